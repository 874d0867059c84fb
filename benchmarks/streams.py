"""Relay of a stream's entries: from the thread that appends to the event loop that reads, in memory and over Redis."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import aclosing
from pathlib import Path

from benchmarks.figures import line
from jobs.streams.base import Entry, Kind, Streams
from jobs.streams.memory import MemoryStreams
from jobs.streams.redis import RedisStreams

ROUNDS = 500
PAUSE_S = 0.005
MAX_BYTES = 1 << 20
LIFETIME_S = 60.0


def report(_folder: Path, _postgres_url: str, redis_url: str) -> None:
    print("Streams, thread to event loop:")
    line("in memory", asyncio.run(_measure(MemoryStreams(MAX_BYTES, LIFETIME_S))))
    line("over Redis", asyncio.run(_measure(RedisStreams(redis_url, MAX_BYTES, LIFETIME_S))))


async def _measure(streams: Streams) -> list[float]:
    """Return the seconds from each append to its arrival at the reader."""

    def write() -> None:
        for number in range(ROUNDS):
            time.sleep(PAUSE_S)
            streams.append("bench", Entry(Kind.DATA, 1, number, str(time.perf_counter()).encode()))

    delays: list[float] = []
    async with aclosing(streams.read("bench", wait=5)) as entries:
        threading.Thread(target=write).start()
        async for entry in entries:
            if entry is not None:
                delays.append(time.perf_counter() - float(entry.data))
            if len(delays) == ROUNDS:
                break
    return delays
