"""What the tests of streams say in a word."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

from jobs.streams.base import Entry, Kind, Streams
from tests.waiting import TIMEOUT_S


def start(attempt: int = 1) -> Entry:
    return Entry(Kind.START, attempt, 0)


def data(offset: int, payload: bytes, attempt: int = 1) -> Entry:
    return Entry(Kind.DATA, attempt, offset, payload)


def end(length: int, attempt: int = 1) -> Entry:
    return Entry(Kind.END, attempt, length)


async def take(entries: AsyncIterator[Entry | None], count: int) -> list[Entry]:
    """The next `count` entries, whatever silence lies between."""
    taken: list[Entry] = []
    async with asyncio.timeout(TIMEOUT_S):
        while len(taken) < count:
            if (entry := await anext(entries)) is not None:
                taken.append(entry)
    return taken


async def held(streams: Streams, key: str) -> list[Entry]:
    """What a reader that comes now is given."""
    found = []
    async with aclosing(streams.read(key, wait=0.05)) as entries:
        async for entry in entries:
            if entry is None:
                break
            found.append(entry)
    return found
