from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest
import redis

from config.errors import Unavailable
from jobs.streams.redis import PREFIX, RedisStreams
from tests.jobs.streams.reading import data, end, held, start, take
from tests.servers import RedisServer
from tests.waiting import TIMEOUT_S, wait_until_async


@pytest.fixture
def client(redis_server: RedisServer) -> redis.Redis:
    return redis.Redis.from_url(redis_server.url)


@pytest.fixture
def streams(redis_server: RedisServer, client: redis.Redis) -> RedisStreams:
    client.flushall()
    return RedisStreams(redis_server.url, max_bytes=1 << 20, lifetime=60)


async def test_two_processes_see_one_stream(streams, redis_server):
    RedisStreams(redis_server.url, max_bytes=1 << 20, lifetime=60).append("a", start())

    assert await held(streams, "a") == [start()]


async def test_a_reader_takes_its_connection_with_it(streams, client):
    streams.append("a", start())
    before = len(client.client_list())
    readers = [streams.read("a", wait=TIMEOUT_S) for _ in range(120)]

    for entries in readers:
        await take(entries, 1)
    blocked = [asyncio.ensure_future(anext(entries)) for entries in readers[:10]]
    await wait_until_async(lambda: len(client.client_list()) == before + 120)
    for task in blocked:
        task.cancel()
    await asyncio.wait(blocked)
    for entries in readers:
        await entries.aclose()

    await wait_until_async(lambda: len(client.client_list()) == before)


async def test_whoever_leaves_as_soon_as_something_comes_is_let_go(streams):
    came = asyncio.Event()

    async def read(key: str) -> None:
        async with aclosing(streams.read(key, wait=5)) as entries:
            async for _ in entries:
                came.set()

    for number in range(20):
        came.clear()
        reading = asyncio.create_task(read(str(number)))
        await asyncio.to_thread(streams.append, str(number), start())
        await came.wait()
        # by now the next is being asked for
        await asyncio.sleep(0)
        reading.cancel()
        await asyncio.wait([reading], timeout=TIMEOUT_S)
        assert reading.done()


async def test_what_is_written_after_a_flush_still_arrives(streams, client):
    async with aclosing(streams.read("a", wait=5)) as entries:
        streams.append("a", start())
        await take(entries, 1)
        reading = asyncio.create_task(take(entries, 2))
        await asyncio.sleep(0.1)

        client.flushall()
        streams.append("a", data(0, b"x"))
        streams.append("a", end(1))

        assert await reading == [data(0, b"x"), end(1)]


async def test_a_stream_begun_anew_with_a_clock_that_is_behind_is_not_waited_past(streams, client):
    async with aclosing(streams.read("a", wait=0.1)) as entries:
        streams.append("a", start())
        await take(entries, 1)

        client.flushall()
        fields = {"k": "end", "a": 1, "o": 5, "t": 0, "n": 1, "d": ""}
        client.xadd(PREFIX + "a", fields, id="1-1")

        assert await take(entries, 1) == [end(5)]


async def test_an_append_that_the_client_repeats_is_there_once(streams):
    streams.append("a", data(0, b"x"))
    streams.append("a", data(0, b"x"))

    assert await held(streams, "a") == [data(0, b"x")]


async def test_redis_is_not_left_with_more_than_the_bound(redis_server, client):
    client.flushall()
    streams = RedisStreams(redis_server.url, max_bytes=100_000, lifetime=60)
    streams.append("a", start())

    for number in range(1000):
        streams.append("a", data(number * 5000, b"x" * 5000))

    assert client.memory_usage(PREFIX + "a", samples=0) < 200_000


def test_no_key_is_without_an_end(streams, client):
    streams.append("a", start())

    assert all(0 < client.pttl(key) <= 60_000 for key in client.keys("*"))


def test_each_entry_prolongs_the_life_of_its_stream(redis_server, client):
    streams = RedisStreams(redis_server.url, max_bytes=1000, lifetime=600)
    streams.append("a", start())
    client.pexpire(PREFIX + "a", 200_000)

    streams.append("a", data(0, b"x"))

    assert client.pttl(PREFIX + "a") > 200_000


async def test_a_reader_survives_a_redis_that_is_killed_and_comes_back():
    with RedisServer() as server:
        streams = RedisStreams(server.url, max_bytes=1 << 20, lifetime=60)
        async with aclosing(streams.read("a", wait=1)) as entries:
            streams.append("a", start())
            await take(entries, 1)

            server.kill()
            with pytest.raises(Unavailable):
                streams.append("a", data(0, b"lost"))
            with pytest.raises(Unavailable):
                streams.drop("a")
            silence = [await anext(entries), await anext(entries)]
            server.start()
            streams.append("a", data(4, b"x"))
            came = await take(entries, 1)

    assert silence == [None, None]
    assert came == [data(4, b"x")]


async def test_a_reader_that_comes_while_redis_is_away_waits_for_it():
    with RedisServer() as server:
        streams = RedisStreams(server.url, max_bytes=1 << 20, lifetime=60)
        server.kill()
        async with aclosing(streams.read("a", wait=1)) as entries:
            silence = await anext(entries)
            server.start()
            streams.append("a", start())
            came = await take(entries, 1)

    assert silence is None
    assert came == [start()]
