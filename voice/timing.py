"""When each word of an item's text is said, in its writer's spelling: what engines tell, brought back through what was spoken for it."""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from voice.audio.pcm import RATE, Place
from voice.engines.base import Mark
from voice.text import Sentence, Spoken, plan, verbalise
from voice.text.sentences import LONGEST

ASKED = "timestamp_granularities"
# in an item's options, and so in its output's configuration: WORD, SENTENCE, both or none
WORD, SENTENCE = "word", "sentence"
DIGITS = 3
# of a second


@dataclass(frozen=True, slots=True)
class Timed:
    """Something that is said."""

    text: str
    start: float
    end: float
    # seconds of the result


@dataclass(frozen=True, slots=True)
class Timestamps:
    words: tuple[Timed, ...]
    # none where they were not asked for
    sentences: tuple[Timed, ...]

    @classmethod
    def unpacked(cls, data: bytes) -> Self:
        kept = json.loads(data)
        return cls(*(tuple(Timed(*one) for one in kept[name]) for name in ("words", "sentences")))

    def packed(self) -> bytes:
        """As it is kept: some 25 bytes a word."""
        kept = {"words": _rows(self.words), "sentences": _rows(self.sentences)}
        return json.dumps(kept, ensure_ascii=False, separators=(",", ":")).encode()

    def shown(self, asked: Collection[str]) -> dict[str, Any]:
        """What was asked for, a word as OpenAI's transcriptions have it."""
        words = [{"word": one.text, "start": one.start, "end": one.end} for one in self.words]
        sentences = [{"text": one.text, "start": one.start, "end": one.end} for one in self.sentences]
        return {**({"words": words} if WORD in asked else {}), **({"sentences": sentences} if SENTENCE in asked else {})}


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Of the text, and of the result."""

    start: int
    end: int
    begun: float
    ended: float


class Clock:
    """Hears what an engine tells while an item's text is spoken."""

    def __init__(self, text: str, asked: Collection[str]) -> None:
        self._text = text
        self._asked = asked
        self._marks: list[Mark] = []
        # of the utterance that is being spoken
        self._words: list[Timed] = []
        self._sentences: list[_Stretch] = []
        self._places: list[Place] = []
        # of the pieces of the sentence that is being spoken
        self._goes_on = False
        # the last sentence does

    @property
    def mark(self) -> Callable[[Mark], object] | None:
        """For an utterance; none where nobody wants to know."""
        return self._marks.append if self._asked else None

    def piece(self, spoken: Spoken, place: Place) -> None:
        """An utterance is over that was spoken for a sentence, or for a part of one, and lies there in the stream."""
        for text, at, until in spans(spoken, self._marks):
            self._words.append(Timed(text, place.seconds(at), place.seconds(until)))
        self._marks.clear()
        self._places.append(place)

    def sentence(self, sentence: Sentence) -> None:
        """All pieces of it are over."""
        start, end = self._find(sentence)
        self._add(_Stretch(start, end, self._places[0].start / RATE, self._places[-1].end / RATE), sentence)
        self._places.clear()

    def whole(self, language: str) -> None:
        """All is over, in one utterance that took the text as it is."""
        spoken = verbalise(self._text, language, normalize=False)
        self._words = [Timed(*one) for one in spans(spoken, self._marks)]
        starts = [word.start for word in spoken.words]
        for sentence in plan(self._text, language):
            start, end = self._find(sentence)
            if said := self._words[bisect_left(starts, start) : bisect_left(starts, end)]:
                self._add(_Stretch(start, end, said[0].start, said[-1].end), sentence)

    def told(self) -> bytes:
        """All of it, packed; nothing where nothing was asked for."""
        if not self._asked:
            return b""
        words = tuple(self._words) if WORD in self._asked else ()
        sentences = tuple(Timed(self._text[one.start : one.end], one.begun, one.ended) for one in self._sentences)
        return Timestamps(words, sentences).packed()

    def _find(self, sentence: Sentence) -> tuple[int, int]:
        start = self._text.index(sentence.text, self._sentences[-1].end if self._sentences else 0)
        return start, start + len(sentence.text)

    def _add(self, said: _Stretch, sentence: Sentence) -> None:
        """One that was parted for the ear is whole again, unless it was too long."""
        if self._goes_on and said.end - self._sentences[-1].start <= LONGEST:
            before = self._sentences.pop()
            said = replace(said, start=before.start, begun=before.begun)
        self._sentences.append(said)
        self._goes_on = sentence.goes_on


def spans(spoken: Spoken, marks: Sequence[Mark]) -> Iterator[tuple[str, float, float]]:
    """Each word, and the seconds of the utterance at which it begins and ends; one of which nothing was told takes no time.

    Words that were told together share the time by their letters.
    """
    sounding = [_sounding(mark, spoken.text) for mark in marks]
    starts, ends = [mark.start for mark in sounding], [mark.end for mark in sounding]
    until = 0.0
    for word in spoken.words:
        first, behind = bisect_right(ends, word.spoken_start), bisect_left(starts, word.spoken_end)
        at = until
        if first < behind:
            at = max(at, sounding[first].moment(word.spoken_start))
            until = max(at, sounding[behind - 1].moment(word.spoken_end))
        yield word.text, at, until


def _sounding(mark: Mark, text: str) -> Mark:
    """Without the blanks and the punctuation around what is said."""
    start, end = mark.start, mark.end
    while start < end and not text[start].isalnum():
        start += 1
    while end > start and not text[end - 1].isalnum():
        end -= 1
    return replace(mark, start=start, end=end) if start < end else mark


def _rows(timed: Sequence[Timed]) -> list[tuple[str, float, float]]:
    return [(one.text, round(one.start, DIGITS), round(one.end, DIGITS)) for one in timed]
