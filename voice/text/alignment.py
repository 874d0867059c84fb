"""What is spoken for a sentence, and which of its words each stretch of that belongs to."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from voice.text.reading.rules import Part

_RUN = re.compile(r"\S+")
_OPENING = "([{\"'“‘«„¿¡-–—/_"
# no blank is put between these and what follows
_CLOSING = {".", "!", "?", "…", ",", ";", ":"}
# behind one of these a sentence has no full stop of an abbreviation's


@dataclass(frozen=True, slots=True)
class Word:
    """A word as its writer spelt it, and the stretch that is spoken for it. What is read as one is one: "5 km" may be."""

    text: str
    start: int
    end: int
    # in the sentence, so that `sentence[start:end] == text`, without the punctuation around it
    spoken_start: int
    spoken_end: int
    # in Spoken.text


@dataclass(frozen=True, slots=True)
class Pronunciation:
    """How a stretch of a text is to sound, for an engine that reads IPA; any other reads what is written there."""

    start: int
    end: int
    ipa: str


@dataclass(frozen=True, slots=True)
class Spoken:
    """What an engine is given for a sentence."""

    text: str
    words: tuple[Word, ...]
    # in order; each is heard, and none overlaps another
    pronunciations: tuple[Pronunciation, ...] = ()
    # stretches of `text`, in order

    def shown(self, start: int = 0, end: int | None = None) -> str:
        """The text, or a stretch of it, with IPA between slashes where that is what is read."""
        end = len(self.text) if end is None else end
        shown, at = [], start
        for one in self.pronunciations:
            if start <= one.start and one.end <= end:
                shown += [self.text[at : one.start], f"/{one.ipa}/"]
                at = one.end
        return "".join([*shown, self.text[at:end]])

    def pieces(self, longest: int) -> Iterator[Spoken]:
        """Itself, or where figures made it too long for an engine, stretches of it, cut between words."""
        if len(self.text) <= longest:
            yield self
            return
        begin = first = 0
        for index, word in enumerate(self.words):
            if word.spoken_end - begin > longest and index > first:
                end = self.text.rfind(" ", begin, word.spoken_start) + 1 or word.spoken_start
                yield self._stretch(begin, end, self.words[first:index])
                begin, first = end, index
        yield self._stretch(begin, len(self.text), self.words[first:])

    def _stretch(self, begin: int, end: int, words: Sequence[Word]) -> Spoken:
        return Spoken(
            self.text[begin:end].rstrip(),
            tuple(Word(one.text, one.start, one.end, one.spoken_start - begin, one.spoken_end - begin) for one in words),
            tuple(
                Pronunciation(one.start - begin, one.end - begin, one.ipa)
                for one in self.pronunciations
                if begin <= one.start and one.end <= end
            ),
        )


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Of a sentence, and of what is spoken for it."""

    start: int
    end: int
    spoken_start: int
    spoken_end: int
    read: bool
    # by a rule or the dictionary, not as it is written


def aligned(sentence: str, parts: Sequence[Part]) -> Spoken:
    """The sentence with its parts read, which are in order and don't overlap."""
    said = _Line(sentence)
    at = 0
    for part in parts:
        said.keep(at, part.start)
        said.say(part)
        at = part.end
    said.keep(at, len(sentence))
    return Spoken("".join(said.spoken), tuple(_words(sentence, said)), tuple(said.pronunciations))


class _Line:
    """A sentence that is being put into spoken words, from left to right."""

    def __init__(self, sentence: str) -> None:
        self.sentence = sentence
        self.spoken: list[str] = []
        self.stretches: list[_Stretch] = []
        self.pronunciations: list[Pronunciation] = []
        self._heard_until = next((end for end in range(len(sentence), 0, -1) if sentence[end - 1].isalnum()), 0)
        self._length = 0
        self._last = ""
        self._after_part = False

    def keep(self, start: int, end: int) -> None:
        written = self.sentence[start:end]
        if not written:
            return
        if self._after_part and written[0].isalnum():
            self._add(" ")
        if (not self._last or self._last.isspace()) and written[0].isspace():
            dropped = len(written) - len(written.lstrip())
            start, written = start + dropped, written[dropped:]
            if not written:
                return
        begin = self._length
        self._add(written)
        self.stretches.append(_Stretch(start, end, begin, self._length, read=False))
        self._after_part = False

    def say(self, part: Part) -> None:
        if part.spoken and self._last and not self._last.isspace() and self._last not in _OPENING and not self._within_word(part):
            self._add(" ")
        begin = self._length
        self._add(part.spoken)
        self.stretches.append(_Stretch(part.start, part.end, begin, self._length, read=True))
        if part.ipa:
            self.pronunciations.append(Pronunciation(begin, self._length, part.ipa))
        if part.spoken and self._ends(part):
            self._add(".")
        self._after_part = bool(part.spoken)

    def _within_word(self, part: Part) -> bool:
        """Whether a word goes on where the part begins: "Hauptstr." is one."""
        return part.start > 0 and self.sentence[part.start - 1].isalpha() and self.sentence[part.start].isalpha()

    def _ends(self, part: Part) -> bool:
        """Whether the full stop of an abbreviation is the sentence's too."""
        return (
            part.end >= self._heard_until
            and self.sentence[part.end - 1] == "."
            and not part.spoken.endswith(".")
            and self.sentence[part.end : part.end + 1] not in _CLOSING
        )

    def _add(self, text: str) -> None:
        if text:
            self.spoken.append(text)
            self._length += len(text)
            self._last = text[-1]


def _words(sentence: str, said: _Line) -> Iterator[Word]:
    starts = [stretch.start for stretch in said.stretches]
    spoken = "".join(said.spoken)
    for run_start, run_end in _runs(sentence, said.stretches):
        start, end = run_start, run_end
        while start < end and not _heard(sentence, start, said.stretches, starts):
            start += 1
        while end > start and not _heard(sentence, end - 1, said.stretches, starts):
            end -= 1
        if start == end:
            continue
        first, last = _at(start, said.stretches, starts), _at(end - 1, said.stretches, starts)
        spoken_start = first.spoken_start if first.read else first.spoken_start + start - first.start
        spoken_end = last.spoken_end if last.read else last.spoken_start + end - last.start
        if any(character.isalnum() for character in spoken[spoken_start:spoken_end]):
            yield Word(sentence[start:end], start, end, spoken_start, spoken_end)


def _runs(sentence: str, stretches: Sequence[_Stretch]) -> Iterator[tuple[int, int]]:
    """What stands between blanks, joined where a blank is within something that is read as one."""
    read = iter([stretch for stretch in stretches if stretch.read and stretch.spoken_end > stretch.spoken_start])
    part = next(read, None)
    start = end = -1
    for run in _RUN.finditer(sentence):
        while part is not None and part.end <= run.start():
            part = next(read, None)
        joined = part is not None and part.start < run.start() and start >= 0
        if not joined:
            if start >= 0:
                yield start, end
            start = run.start()
        end = run.end()
    if start >= 0:
        yield start, end


def _at(position: int, stretches: Sequence[_Stretch], starts: Sequence[int]) -> _Stretch:
    return stretches[bisect_right(starts, position) - 1]


def _heard(sentence: str, position: int, stretches: Sequence[_Stretch], starts: Sequence[int]) -> bool:
    stretch = _at(position, stretches, starts)
    if stretch.read:
        return stretch.spoken_end > stretch.spoken_start
    return stretch.end > position and unicodedata.category(sentence[position])[0] in "LNM"
