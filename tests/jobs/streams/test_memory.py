from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from jobs.streams.memory import MemoryStreams
from tests.jobs.streams.reading import data, start

pytestmark = pytest.mark.shapes("embedded", "deployed")


async def test_a_reader_that_leaves_is_not_kept_on_a_list():
    streams = MemoryStreams(max_bytes=1000, lifetime=60)

    async with aclosing(streams.read("a", wait=0.01)) as entries:
        assert await anext(entries) is None

    reading = asyncio.ensure_future(anext(streams.read("a", wait=30)))
    await asyncio.sleep(0.01)
    waiting = dict(streams._sleepers)
    reading.cancel()
    await asyncio.wait([reading])

    assert list(waiting) == ["a"]
    assert not streams._sleepers


async def test_expired_streams_go_without_a_reader_ever_coming():
    streams = MemoryStreams(max_bytes=1000, lifetime=0.1)
    for number in range(100):
        streams.append(f"old-{number}", start())
    await asyncio.sleep(0.15)

    streams.append("new", data(0, b"x"))

    assert list(streams._streams) == ["new"]
