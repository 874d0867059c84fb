"""When eSpeak NG says which word, by the events that it gives along with its samples."""

from __future__ import annotations

import ctypes
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, count
from typing import Any

from voice.engines.base import Mark

NONE, WORD, PHONEME = 0, 1, 7
# of Event.type
SILENCE = b"_"
# how the names of pauses begin


class Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        # of a word's first character, from 1 on
        ("length", ctypes.c_int),
        # in bytes, of the word alone: two that are said as one are told as the first
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("phoneme", ctypes.c_char * 8),
    )


def told(events: Any) -> Iterator[Event]:
    """Those that a pointer leads to."""
    for number in count():
        if events[number].type == NONE:
            return
        yield events[number]


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of what the library is given, and the one of the text that it stands for."""

    given: str
    start: int
    end: int
    named: bool = False
    # by its sounds


class Clock:
    """Makes marks of the library's events: a word lasts to the next one, or to the silence before that."""

    def __init__(self, rate: int, mark: Callable[[Mark], object]) -> None:
        self._rate = rate
        self._mark = mark
        self._word: tuple[int, int] | None = None
        # where the one that is being said begins: in the text, and in samples
        self._quiet: int | None = None
        # the sample from which on nothing was heard

    def begin(self, parts: Sequence[Part]) -> None:
        self._parts = parts
        self._ends = list(accumulate(len(part.given) for part in parts))

    def hear(self, event: Event) -> None:
        if event.type == WORD:
            position = self._position(event.text_position - 1)
            if self._word is None or position > self._word[0]:
                self._close(position, event.sample)
                self._word = position, event.sample
            self._quiet = None
        elif event.type == PHONEME:
            if not event.phoneme.startswith(SILENCE):
                self._quiet = None
            elif self._quiet is None:
                self._quiet = event.sample

    def end(self, sample: int) -> None:
        self._close(self._parts[-1].end, sample)

    def _close(self, position: int, sample: int) -> None:
        if self._word is None:
            return
        start, begun = self._word
        ended = sample if self._quiet is None else min(self._quiet, sample)
        self._mark(Mark(start, position, begun / self._rate, max(begun, ended) / self._rate))

    def _position(self, given: int) -> int:
        """Where in the text that is; within something whose sounds were named, the start of that."""
        number = min(bisect_right(self._ends, given), len(self._parts) - 1)
        part = self._parts[number]
        return part.start if part.named else part.end - (self._ends[number] - given)
