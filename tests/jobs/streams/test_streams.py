"""What both kinds of stream do, in the same words."""

from __future__ import annotations

import asyncio
import threading
from contextlib import aclosing

from jobs.streams.base import Entry, Kind
from tests.jobs.streams.reading import data, end, held, start, take
from tests.waiting import TIMEOUT_S


async def test_entries_come_in_the_order_they_were_written(streams):
    written = [start(), *(data(i, bytes([i])) for i in range(200)), end(200)]

    for entry in written:
        streams.append("a", entry)

    assert await held(streams, "a") == written


async def test_any_bytes_pass_unchanged(streams):
    payload = bytes(range(256)) * 300

    streams.append("a", data(0, payload))
    streams.append("a", Entry(Kind.FAILED, 3, 7, "späť".encode()))

    assert await held(streams, "a") == [data(0, payload), Entry(Kind.FAILED, 3, 7, "späť".encode())]


async def test_a_reader_that_waits_is_given_what_is_written_later(streams):
    async with aclosing(streams.read("a", wait=5)) as entries:
        reading = asyncio.create_task(take(entries, 2))
        await asyncio.sleep(0.1)
        streams.append("a", start())
        await asyncio.sleep(0.1)
        streams.append("a", end(0))

        assert await reading == [start(), end(0)]


async def test_a_late_reader_replays_from_the_start_and_goes_on(streams):
    streams.append("a", start())
    streams.append("a", data(0, b"one"))

    async with aclosing(streams.read("a", wait=5)) as entries:
        replayed = await take(entries, 2)
        streams.append("a", data(3, b"two"))
        followed = await take(entries, 1)

    assert replayed + followed == [start(), data(0, b"one"), data(3, b"two")]


async def test_every_reader_has_a_place_of_its_own(streams):
    async with aclosing(streams.read("a", wait=5)) as early, aclosing(streams.read("a", wait=5)) as late:
        streams.append("a", data(0, b"1"))
        first = await take(early, 1)
        streams.append("a", data(1, b"2"))

        assert first + await take(early, 1) == await take(late, 2) == [data(0, b"1"), data(1, b"2")]


async def test_twenty_readers_lose_nothing_while_threads_write(streams):
    total = 100

    async def follow(key: str) -> list[Entry]:
        async with aclosing(streams.read(key, wait=5)) as entries:
            return await take(entries, total)

    def write(key: str) -> None:
        for number in range(total):
            streams.append(key, data(number, b"x"))

    readers = [asyncio.create_task(follow(key)) for key in "ab" for _ in range(10)]
    writers = [threading.Thread(target=write, args=(key,)) for key in "ab"]
    for writer in writers:
        writer.start()

    for entries in await asyncio.gather(*readers):
        assert [entry.offset for entry in entries] == list(range(total))


async def test_the_entries_of_interleaved_attempts_keep_their_number(streams):
    written = [start(1), data(0, b"old", 1), start(2), data(0, b"new", 2), data(3, b"dead", 1), end(3, 2)]

    for entry in written:
        streams.append("a", entry)

    assert await held(streams, "a") == written


async def test_streams_do_not_mix(streams):
    streams.append("a", data(0, b"a"))
    streams.append("b", data(0, b"b"))

    assert await held(streams, "a") == [data(0, b"a")]


async def test_the_bound_drops_the_oldest_data_and_leaves_the_frame(make_streams):
    streams = make_streams(max_bytes=1000)

    streams.append("a", start())
    for number in range(100):
        streams.append("a", data(number * 100, b"x" * 100))
    streams.append("a", end(10_000))

    kept = await held(streams, "a")
    assert kept == [start(), *(data(number * 100, b"x" * 100) for number in range(90, 100)), end(10_000)]


async def test_the_bound_drops_older_attempts_whole(make_streams):
    streams = make_streams(max_bytes=300)

    for attempt in (1, 2):
        streams.append("a", start(attempt))
        for number in range(5):
            streams.append("a", data(number * 100, b"x" * 100, attempt))
    streams.append("a", end(500, 2))

    kept = await held(streams, "a")
    assert kept == [start(2), *(data(number * 100, b"x" * 100, 2) for number in (2, 3, 4)), end(500, 2)]


async def test_a_dead_attempt_that_goes_on_writing_does_not_push_out_the_start_of_the_newest(make_streams):
    streams = make_streams(max_bytes=300)

    streams.append("a", start(1))
    streams.append("a", start(2))
    for number in range(10):
        streams.append("a", data(number * 100, b"x" * 100, 1))

    kept = await held(streams, "a")
    assert kept == [start(2), *(data(number * 100, b"x" * 100, 1) for number in (7, 8, 9))]


async def test_an_entry_larger_than_the_bound_is_there_until_the_next(make_streams):
    streams = make_streams(max_bytes=100)

    streams.append("a", data(0, b"x" * 500))
    alone = await held(streams, "a")
    streams.append("a", data(500, b"y"))

    assert alone == [data(0, b"x" * 500)]
    assert await held(streams, "a") == [data(500, b"y")]


async def test_a_slow_reader_sees_the_gap_in_the_offsets(make_streams):
    streams = make_streams(max_bytes=300)

    async with aclosing(streams.read("a", wait=5)) as entries:
        streams.append("a", data(0, b"x" * 100))
        await take(entries, 1)
        for number in range(1, 10):
            streams.append("a", data(number * 100, b"x" * 100))

        assert [entry.offset for entry in await take(entries, 3)] == [700, 800, 900]


async def test_a_stream_is_forgotten_when_its_lifetime_is_over(make_streams):
    streams = make_streams(lifetime=0.3)

    streams.append("a", start())

    async with asyncio.timeout(TIMEOUT_S):
        while await held(streams, "a"):
            pass


async def test_silence_is_told_after_the_wait_again_and_again(streams):
    async with aclosing(streams.read("a", wait=0.2)) as entries:
        assert [await anext(entries), await anext(entries)] == [None, None]


async def test_a_dropped_stream_is_gone_and_may_begin_anew_under_its_readers(streams):
    async with aclosing(streams.read("a", wait=0.1)) as entries:
        streams.append("a", data(0, b"old"))
        await take(entries, 1)

        streams.drop("a")
        gone = await held(streams, "a")
        streams.append("a", data(0, b"new", 2))

        assert gone == []
        assert await take(entries, 1) == [data(0, b"new", 2)]


async def test_dropping_what_is_not_there_is_no_fault(streams):
    streams.drop("never")


def test_readers_in_several_event_loops_follow_one_stream(streams):
    results: list[list[Entry]] = []

    async def follow() -> None:
        async with aclosing(streams.read("a", wait=5)) as entries:
            results.append(await take(entries, 50))

    loops = [threading.Thread(target=asyncio.run, args=(follow(),)) for _ in range(3)]
    for loop in loops:
        loop.start()
    for number in range(50):
        streams.append("a", data(number, b"x"))
    for loop in loops:
        loop.join()

    assert [[entry.offset for entry in result] for result in results] == [list(range(50))] * 3


def test_a_reader_whose_loop_is_gone_does_not_disturb_the_writer(streams):
    async def leave_open() -> None:
        entries = streams.read("a", wait=30)
        reading = asyncio.ensure_future(anext(entries))
        await asyncio.sleep(0.1)
        reading.cancel()

    asyncio.run(leave_open())

    streams.append("a", start())
