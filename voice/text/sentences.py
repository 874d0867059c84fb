"""A normalised text, cut into the pieces that are spoken one after the other."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import sentencex

from voice.text.characters import LONGEST_MARKS, speakable
from voice.text.languages import words_of
from voice.text.languages.words import NEVER

LONGEST = 300
"""Characters in a piece at most, about 20 s of speech: engines lose the thread, or run out of memory, in longer ones."""

LONGEST_FIRST = 100
"""A longer first sentence is cut at its last clause mark within so many characters: the sooner there is something to hear."""

SHORTEST_CLAUSE = 25
"""Characters that a clause has at least for a cut to be made behind it: shorter scraps sound chopped."""

DENSITY = 3
"""How many characters one Chinese, Japanese or Korean character counts for: it is a syllable and more."""

WINDOW = 1000
"""Characters that the library sees at once. It is quadratic in some texts: 100,000 characters of Chinese take it 3 s in one go."""

_PARAGRAPH_BREAK = re.compile(r"\n\s*\n")
CLAUSE_END = re.compile(r"[;:,–](?=\s)|—|[،؛、；]|[，：](?!\d)")
# with a space or in scripts without spaces, hence never in 10:30, 1,000 or 10–20
_SPACE = re.compile(r"\s")
_DENSE = re.compile("[\u2e80-\u9fff\uac00-\ud7ff\uf900-\ufaff]")

LANGUAGES_KEPT = 64
_TAIL = 24
# characters at the end of a piece, and at the beginning of the next, that the patterns look at
_INITIAL = re.compile(r"(?:^|[\s(\[\"'“‘«])[^\W\d_]\.\s*$")
# "J. Smith", "M. Dupont", "z. B.", "т. е."
_SHORT_WORD = re.compile(r"(?:^-?|[\s(\[\"'“‘«]|\.-?)(?:[^\W\d_]{1,3}|[IVXLC]+)\.\s*$")
# with a digit or a small letter behind it: "vol. 2", "ca. five", "S.p.A. ha", "J.-C. à", "Ludwig XVIII. war"
_LIST_NUMBER = re.compile(r"\s*\d{1,3}[.)]\s*$")
# "1. Wash the rice."
_NEVER_FIRST = ",;:)"
# no sentence begins so: "Tel.: 030 123"
_ORDINALS = re.compile(r"\d\.(?:[-–]| (?:und|oder|bis) )\d{1,4}\.\s*$")
# "3.–5. Mai", "2. und 3. Liga"
_OPEN_END = re.compile(r"[\w;:,–،؛、；，：]\s*$")
# no sentence ends so, only a window


@dataclass(frozen=True, slots=True)
class Sentence:
    """A piece of text to speak in one go."""

    text: str
    # at most LONGEST characters, no blanks at the edges, speakable
    paragraph_end: bool = False
    # the longest pause belongs behind it
    goes_on: bool = False
    # the sentence was too long and is continued by the next piece: only a short pause belongs between


def plan(text: str, language: str) -> list[Sentence]:
    """The pieces of a text that `normalise` has made, in order; empty where nothing can be spoken.

    The language is BCP 47; one that the library doesn't know is cut by general rules. Every letter and digit of the text is in
    exactly one piece; what holds neither is left out where it would be a piece of its own. Raises UnicodeEncodeError for a lone
    surrogate.
    """
    code = language.split("-", maxsplit=1)[0].lower()
    sentences: list[Sentence] = []
    for paragraph in _PARAGRAPH_BREAK.split(text):
        pieces = [piece for line in paragraph.split("\n") for whole in parted(line, code) for piece in _cut(whole)]
        if pieces:
            sentences += [*pieces[:-1], replace(pieces[-1], paragraph_end=True, goes_on=False)]
    return [*_hastened(sentences[0]), *sentences[1:]] if sentences else []


def parted(line: str, language: str) -> Iterator[str]:
    """The sentences of a line, each with the blanks behind it; together they are the line.

    Segments that were parted at an abbreviation or by a window are joined again.
    """
    joined: list[str] = []
    for segment in _segments(line, language):
        if joined and not _belong_together(joined[-1], segment, language):
            yield "".join(joined)
            joined = []
        joined.append(segment)
    yield "".join(joined)


def _segments(line: str, language: str) -> Iterator[str]:
    """The segments that the library sees, window by window; together they are the line."""
    start = 0
    while start < len(line):
        window = line[start : start + WINDOW]
        segments = sentencex.segment(language, window)
        if start + len(window) < len(line):
            segments = _without_open_end(segments, len(window))
        yield from segments
        start += sum(map(len, segments))


def _without_open_end(segments: list[str], size: int) -> list[str]:
    """The segments without the last, which may go on behind the window; or, where that would leave too little, only its last word."""
    *whole, last = segments
    if size - len(last) >= WINDOW // 2:
        return whole
    return [*whole, last[: last.rfind(" ") + 1] or last]


def _belong_together(before: str, after: str, language: str) -> bool:
    tail = before[-_TAIL:]
    if _OPEN_END.search(tail) or _INITIAL.search(tail) or _LIST_NUMBER.match(before) or after[0] in _NEVER_FIRST:
        return True
    if _ORDINALS.search(tail) or any(found.end() == len(tail) for found in _inside(language).finditer(tail + after[:_TAIL])):
        return True
    return bool(_SHORT_WORD.search(tail)) and (after[0].isdigit() or after[0].islower())


@lru_cache(maxsize=LANGUAGES_KEPT)
def _inside(language: str) -> re.Pattern[str]:
    """What ends no sentence in a language though the library takes it for an end: "incl. VAT", "im 19. Jahrhundert"."""
    words = words_of(language)
    if words is None:
        return re.compile(NEVER)
    return re.compile(rf"(?:^|[\s(\[\"'“‘«])(?:{words.never_last})\.\s*|{words.ordinal_inside}")


def _cut(sentence: str) -> Iterator[Sentence]:
    """The sentence in pieces of bounded length: cut behind a clause, else at a space, else anywhere in a word."""
    text = sentence.strip()
    density = density_of(text)
    start = 0
    while len(text) - start > LONGEST // density:
        end = _cut_position(text, start + SHORTEST_CLAUSE // density, start + LONGEST // density)
        if speakable(piece := text[start:end].strip()):
            yield Sentence(piece, goes_on=True)
        start = end
    if speakable(piece := text[start:].strip()):
        yield Sentence(piece)


def _cut_position(text: str, earliest: int, latest: int) -> int:
    for mark in (CLAUSE_END, _SPACE):
        ends = [found.end() for found in mark.finditer(text, earliest, latest)]
        if ends:
            return ends[-1]
    for end in range(latest, latest - LONGEST_MARKS, -1):
        if not unicodedata.category(text[end]).startswith("M"):
            return end
    return latest


def density_of(text: str) -> int:
    """How many characters each one counts for."""
    return DENSITY if 2 * len(_DENSE.findall(text)) > len(text) else 1


def _hastened(first: Sentence) -> list[Sentence]:
    """The first sentence, in two where it is long and has a clause to begin with."""
    density = density_of(first.text)
    longest, shortest = LONGEST_FIRST // density, SHORTEST_CLAUSE // density
    if len(first.text) <= longest:
        return [first]
    latest = min(longest, len(first.text) - shortest)
    for end in reversed([found.end() for found in CLAUSE_END.finditer(first.text, shortest, latest)]):
        head, rest = first.text[:end].strip(), first.text[end:].strip()
        if speakable(head) and speakable(rest):
            return [Sentence(head, goes_on=True), replace(first, text=rest)]
    return [first]
