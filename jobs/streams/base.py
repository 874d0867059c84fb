"""The stream of an item's bytes: ordered, bounded, replayable from its start, expiring by itself.

A worker writes it, any number of readers follow it. Every entry names the attempt that wrote it, so that a reader never
joins the bytes of two attempts. A stream may lose its head (it is bounded) or all of itself (it is a cache): a reader sees
the gap in the offsets and turns to the stored output.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Kind(StrEnum):
    START = "start"
    DATA = "data"
    END = "end"
    # the attempt finished and its output is stored (or was not to be)
    FAILED = "failed"
    # the item is over without an output: failed for good, or cancelled


@dataclass(frozen=True, slots=True)
class Entry:
    kind: Kind
    attempt: int
    # counts from 1
    offset: int
    # bytes of this attempt before this entry; for END the total length
    data: bytes = b""
    # DATA: the bytes; FAILED: the error's code in UTF-8


class Streams(Protocol):
    def append(self, key: str, entry: Entry) -> None:
        """Add an entry (from any thread). Drops the oldest DATA beyond the byte bound. Unavailable when Redis is away."""
        ...

    def read(self, key: str, *, wait: float) -> AsyncGenerator[Entry | None, None]:
        """Every entry from the first one still held, then new ones as they come; None after `wait` seconds without one.

        Never ends by itself: the reader stops (`aclose`) when it has seen what it wanted.
        """
        ...

    def drop(self, key: str) -> None:
        """Forget the stream now."""
        ...
