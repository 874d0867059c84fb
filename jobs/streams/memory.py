"""Streams in the memory of one process: actors' threads append, readers in event loops follow.

A reader sleeps on an event of its own loop and is woken by `call_soon_threadsafe`, which hands over in a fraction of a millisecond;
sent through a channel layer or polled for, the same takes seconds or a core.
"""

from __future__ import annotations

import asyncio
import threading
import time
from bisect import bisect_right
from collections import OrderedDict, deque
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count, islice
from operator import itemgetter

from jobs.streams.base import Entry, Kind

BATCH = 64
# entries that a reader takes out at a time: a slow one must not keep alive what the bound has dropped

Numbered = tuple[int, Entry]


@dataclass(slots=True)
class _Stream:
    entries: deque[Numbered] = field(default_factory=deque)
    # by ascending number
    size: int = 0
    # bytes of data held
    attempt: int = 0
    # the newest one seen
    touched: float = 0.0
    # seconds, monotonic: the last append

    def add(self, number: int, entry: Entry, max_bytes: int) -> None:
        self.entries.append((number, entry))
        self.size += len(entry.data)
        self.attempt = max(self.attempt, entry.attempt)
        if self.size > max_bytes:
            self._trim(max_bytes)

    def _trim(self, max_bytes: int) -> None:
        """Drop the oldest, but not the frame of the newest attempt (a handful of entries) and not the entry just added."""
        kept = []
        while self.size > max_bytes and len(self.entries) > 1:
            number, entry = self.entries.popleft()
            if entry.kind is not Kind.DATA and entry.attempt == self.attempt:
                kept.append((number, entry))
            else:
                self.size -= len(entry.data)
        self.entries.extendleft(reversed(kept))

    def after(self, number: int) -> list[Numbered]:
        first = bisect_right(self.entries, number, key=itemgetter(0))
        return list(islice(self.entries, first, first + BATCH))


class _Sleeper:
    """One reader that waits, in its own loop, for the next entry."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """From any thread."""
        with suppress(RuntimeError):  # its loop is closed: nobody reads any more
            self._loop.call_soon_threadsafe(self._woken.set)

    async def sleep(self, seconds: float) -> bool:
        """True when woken, False when the time is over."""
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return False
        return True


class MemoryStreams:
    """`Streams` within one process, for any number of threads and event loops.

    `max_bytes` bounds the data of one stream; a stream is forgotten `lifetime` seconds after its last entry.
    """

    def __init__(self, max_bytes: int, lifetime: float) -> None:
        self._max_bytes = max_bytes
        self._lifetime = lifetime
        self._lock = threading.Lock()
        self._numbers = count(1)
        # of all streams together, so that a reader's place stays right when its stream is dropped and begun anew
        self._streams: OrderedDict[str, _Stream] = OrderedDict()
        # the one that was quiet for longest comes first
        self._sleepers: dict[str, set[_Sleeper]] = {}

    def append(self, key: str, entry: Entry) -> None:
        with self._lock:
            self._forget_expired()
            stream = self._streams.setdefault(key, _Stream())
            stream.add(next(self._numbers), entry, self._max_bytes)
            stream.touched = time.monotonic()
            self._streams.move_to_end(key)
            sleepers = self._sleepers.pop(key, set())
        for sleeper in sleepers:
            sleeper.wake()

    async def read(self, key: str, *, wait: float) -> AsyncGenerator[Entry | None, None]:
        place = 0
        while True:
            sleeper = _Sleeper()
            batch = self._after(key, place, sleeper)
            for number, entry in batch:
                place = number
                yield entry
            if batch:
                continue
            try:
                woken = await sleeper.sleep(wait)
            finally:
                self._forget_sleeper(key, sleeper)
            if not woken:
                yield None

    def drop(self, key: str) -> None:
        with self._lock:
            self._streams.pop(key, None)

    def _after(self, key: str, place: int, sleeper: _Sleeper) -> list[Numbered]:
        """The next entries; where there are none, the sleeper is put down in the same breath, or an append could fall in between."""
        with self._lock:
            self._forget_expired()
            stream = self._streams.get(key)
            batch = stream.after(place) if stream is not None else []
            if not batch:
                self._sleepers.setdefault(key, set()).add(sleeper)
            return batch

    def _forget_sleeper(self, key: str, sleeper: _Sleeper) -> None:
        with self._lock:
            others = self._sleepers.get(key, set())
            others.discard(sleeper)
            if not others:
                self._sleepers.pop(key, None)

    def _forget_expired(self) -> None:
        oldest = time.monotonic() - self._lifetime
        while self._streams:
            key, stream = next(iter(self._streams.items()))
            if stream.touched >= oldest:
                return
            del self._streams[key]
