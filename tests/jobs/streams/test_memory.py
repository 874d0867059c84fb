from __future__ import annotations

import asyncio
from contextlib import aclosing
from types import SimpleNamespace

import pytest

from jobs.streams.memory import MemoryStreams
from tests.jobs.streams.reading import data, start


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


def test_each_entry_prolongs_the_life_of_its_stream(monkeypatch: pytest.MonkeyPatch):
    now = 100.0
    monkeypatch.setattr("jobs.streams.memory.time", SimpleNamespace(monotonic=lambda: now))
    streams = MemoryStreams(max_bytes=1000, lifetime=60)
    streams.append("a", start())
    streams.append("b", start())

    now += 40
    streams.append("b", data(0, b"x"))
    now += 40
    streams.append("c", start())

    assert list(streams._streams) == ["b", "c"]


async def test_expired_streams_go_without_a_reader_ever_coming():
    streams = MemoryStreams(max_bytes=1000, lifetime=0.1)
    for number in range(100):
        streams.append(f"old-{number}", start())
    await asyncio.sleep(0.15)

    streams.append("new", data(0, b"x"))

    assert list(streams._streams) == ["new"]
