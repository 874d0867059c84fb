"""An owner's own words: what is said for each, found in a text in linear time."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_TOKEN = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Entry:
    """A word and how it is said. At least one of respelling and IPA is there."""

    word: str
    # may hold blanks and signs: "New York", "C++"
    respelling: str = ""
    ipa: str = ""
    case_sensitive: bool = False


class Dictionary:
    """Entries by their first token and their length, so that a text is searched once however many there are.

    Whole words only; of entries that begin at the same place the longest counts, of equal ones the case-sensitive.
    """

    def __init__(self, entries: Sequence[Entry] = ()) -> None:
        self._exact = {entry.word: entry for entry in entries if entry.case_sensitive}
        self._folded = {entry.word.casefold(): entry for entry in entries if not entry.case_sensitive}
        lengths: dict[str, set[int]] = {}
        for entry in entries:
            if first := _TOKEN.match(entry.word):
                lengths.setdefault(first.group().casefold(), set()).add(len(entry.word))
        self._lengths = {token: sorted(found, reverse=True) for token, found in lengths.items()}

    def find(self, text: str) -> Iterator[tuple[int, int, Entry]]:
        """Start, end and entry of each, in order, without overlaps."""
        at = 0
        if not self._lengths:
            return
        for token in _TOKEN.finditer(text):
            if token.start() < at:
                continue
            for length in self._lengths.get(token.group().casefold(), ()):
                end = token.start() + length
                entry = self._entry(text[token.start() : end])
                if entry is not None and _whole(text, token.start(), end):
                    yield token.start(), end, entry
                    at = end
                    break

    def _entry(self, written: str) -> Entry | None:
        return self._exact.get(written) or self._folded.get(written.casefold())


def _whole(text: str, start: int, end: int) -> bool:
    """Whether no letter or digit goes on where a letter or digit of the word begins or ends."""
    before, after = text[start - 1 : start], text[end : end + 1]
    return not (_is_word(before) and _is_word(text[start])) and not (_is_word(after) and _is_word(text[end - 1]))


def _is_word(character: str) -> bool:
    """With the marks that are vowels in Indic scripts and Arabic: no word ends before one."""
    return character.isalnum() or character == "_" or (character != "" and unicodedata.category(character)[0] == "M")
