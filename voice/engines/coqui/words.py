"""When a model that gives each of its tokens a duration says which word.

A model reads letters, or phonemes that another program made of them; either way it reads blanks between words. Where there are as many
words in the text as in what it read, each has its own time. Where a cleaner or a phonemizer joined or parted some, the text's words
share the whole time, by how long they are written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise

from voice.engines.base import Mark

_RUN = re.compile(r"\S+")


def marks(text: str, symbols: Sequence[str], frames: Sequence[float], seconds: float) -> Iterator[Mark]:
    """`symbols` are the tokens as they are written, `frames` how long each lasts; together they last so many seconds."""
    written = [run.span() for run in _RUN.finditer(text) if _sounds(run.group())]
    ends = [0.0, *accumulate(frames)]
    read = [(ends[first], ends[last]) for first, last in _words(symbols)]
    if not written or not read or not ends[-1]:
        return
    if len(written) != len(read):
        written, read = [(written[0][0], written[-1][1])], [(read[0][0], read[-1][1])]
    scale = seconds / ends[-1]
    for (start, end), (begun, ended) in zip(written, read, strict=True):
        yield Mark(start, end, begun * scale, ended * scale)


def _words(symbols: Sequence[str]) -> Iterator[tuple[int, int]]:
    """The first token of each word and the one behind its last: its sounds, and what the model put between and beside them."""
    blanks = [-1, *(number for number, symbol in enumerate(symbols) if symbol.isspace()), len(symbols)]
    for before, behind in pairwise(blanks):
        sounds = [number for number in range(before + 1, behind) if _heard(symbols[number])]
        if sounds:
            first, last = sounds[0], sounds[-1] + 1
            yield first - _filler(symbols, first - 1), last + _filler(symbols, last)


def _filler(symbols: Sequence[str], number: int) -> bool:
    """Whether it is one of the model's own, which stands for nothing written."""
    return 0 <= number < len(symbols) and len(symbols[number]) > 1


def _heard(symbol: str) -> bool:
    return len(symbol) == 1 and _sounds(symbol)


def _sounds(text: str) -> bool:
    return any(character.isalnum() for character in text)
