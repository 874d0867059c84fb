from __future__ import annotations

import asyncio

import pytest
from asgiref.sync import sync_to_async

from config.errors import Overloaded, Refusal
from jobs.errors import Gone
from jobs.following import Spliced, follow
from jobs.models import Item, State, Worker
from jobs.streams import streams
from jobs.streams.base import Entry, Kind
from tests.factories import keep_output, make_item, make_worker
from tests.waiting import TIMEOUT_S

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.shapes("embedded", "deployed")]


def say(item: Item, *entries: Entry) -> None:
    for entry in entries:
        streams().append(item.pk, entry)


def piece(offset: int, data: bytes, attempt: int = 1) -> Entry:
    return Entry(Kind.DATA, attempt, offset, data)


def start(attempt: int = 1) -> Entry:
    return Entry(Kind.START, attempt, 0)


def end(length: int, attempt: int = 1) -> Entry:
    return Entry(Kind.END, attempt, length)


def store(item: Item, data: bytes, attempt: int = 1) -> None:
    """Finish the item with an output that holds `data`."""
    keep_output(item, data, attempt=attempt)
    Item.objects.filter(pk=item.pk).update(state=State.COMPLETED)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch) -> None:
    monkeypatch.setattr("jobs.following.PATIENCE", 0.05)


@pytest.fixture
def item(alice) -> Item:
    """Make an item that a living worker could make."""
    make_worker()
    return make_item(alice)


async def read(item: Item, after: int = 0) -> bytes:
    async with asyncio.timeout(TIMEOUT_S):
        return b"".join([data async for data in follow(item, after=after)])


async def test_it_reads_what_was_written(item):
    say(item, start(), piece(0, b"abc"), piece(3, b"def"), end(6))

    assert await read(item) == b"abcdef"


async def test_it_reads_what_is_being_written(item):
    reading = asyncio.create_task(read(item))
    for entry in (start(), piece(0, b"abc"), piece(3, b"def"), end(6)):
        await asyncio.sleep(0.05)
        await asyncio.to_thread(say, item, entry)

    assert await reading == b"abcdef"


@pytest.mark.parametrize("after", [1, 3, 4, 6])
async def test_it_goes_on_from_any_byte(item, after):
    say(item, start(), piece(0, b"abc"), piece(3, b"def"), end(6))

    assert await read(item, after) == b"abcdef"[after:]


async def test_a_second_attempt_that_repeats_the_first_is_joined_without_a_seam(item):
    say(item, start(), piece(0, b"abcd"), start(2), piece(0, b"ab", 2), piece(2, b"cdef", 2), end(6, 2))

    assert await read(item) == b"abcdef"


async def test_a_second_attempt_that_differs_is_never_joined(item):
    say(item, start(), piece(0, b"abcd"), start(2), piece(0, b"xycdef", 2), end(6, 2))

    with pytest.raises(Spliced):
        await read(item)


async def test_a_third_attempt_is_held_against_what_was_told_of_the_first(item):
    say(item, start(), piece(0, b"abcd"), start(2), piece(0, b"ab", 2), start(3), piece(0, b"abcdef", 3), end(6, 3))

    assert await read(item) == b"abcdef"


async def test_what_a_worker_writes_that_was_thought_dead_is_not_told(item):
    say(item, start(), piece(0, b"ab"), start(2), piece(2, b"OLD"), piece(0, b"abcd", 2), piece(5, b"OLD"), end(4, 2))

    assert await read(item) == b"abcd"


async def test_a_stream_that_lost_its_head_is_completed_from_the_stored_output(item):
    await sync_to_async(store)(item, b"abcdef")
    say(item, start(), piece(3, b"def"), end(6))

    assert await read(item) == b"abcdef"


async def test_a_stream_that_was_lost_whole_is_read_from_the_stored_output(item):
    await sync_to_async(store)(item, b"abcdef")

    assert await read(item) == b"abcdef"
    assert await read(item, after=4) == b"ef"


async def test_a_stream_lost_half_way_goes_on_with_the_output_of_the_same_attempt(item):
    say(item, start(), piece(0, b"abc"))
    reading = asyncio.create_task(read(item))
    await asyncio.sleep(0.1)
    await sync_to_async(store)(item, b"abcdef")

    assert await reading == b"abcdef"


async def test_a_stored_output_of_another_attempt_goes_on_only_where_it_repeats_what_was_told(item):
    say(item, start(), piece(0, b"abc"))
    await sync_to_async(store)(item, b"abcdef", 2)
    assert await read(item) == b"abcdef"


async def test_a_stored_output_that_differs_is_never_joined(item):
    say(item, start(), piece(0, b"abX"))
    await sync_to_async(store)(item, b"abcdef", 2)

    with pytest.raises(Spliced):
        await read(item)


async def test_the_reason_of_a_failure_reaches_the_reader(item):
    await sync_to_async(Item.objects.update)(state=State.FAILED, error_code="unsupported_text", error_message="No.", error_status=400)
    say(item, start(), Entry(Kind.FAILED, 1, 0, b"unsupported_text"))

    with pytest.raises(Refusal) as refused:
        await read(item)

    assert (refused.value.code, refused.value.status) == ("unsupported_text", 400)


async def test_a_failure_that_was_not_told_is_found_in_the_row(item):
    await sync_to_async(Item.objects.update)(state=State.FAILED, error_code="worker_crashed", error_message="No.", error_status=500)

    with pytest.raises(Refusal):
        await read(item)


async def test_the_end_of_an_earlier_try_is_not_the_end(item):
    say(item, start(), Entry(Kind.FAILED, 1, 0, b"engine_failed"), start(2), piece(0, b"abc", 2), end(3, 2))

    assert await read(item) == b"abc"


async def test_what_was_neither_kept_nor_heard_is_gone(item):
    await sync_to_async(Item.objects.update)(state=State.COMPLETED, store=False)

    with pytest.raises(Gone):
        await read(item)


async def test_nobody_is_waited_for_when_no_worker_is_left(item):
    await sync_to_async(Worker.objects.all().delete)()
    say(item, start(), piece(0, b"abc"))

    with pytest.raises(Overloaded, match="No worker"):
        await read(item)


async def test_a_silent_worker_is_waited_for_as_long_as_it_lives(item, monkeypatch):
    monkeypatch.setattr("jobs.following.PATIENCE", 0.01)

    reading = asyncio.ensure_future(read(item))
    await asyncio.sleep(0.5)
    say(item, start(), piece(0, b"abc"), end(3))

    assert await reading == b"abc"
