"""A model's words as they come, cut into what is spoken one after the other: the first piece early, the others at the ends of sentences."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

import regex

from voice.text.characters import speakable
from voice.text.sentences import CLAUSE_END, LONGEST, SHORTEST_CLAUSE, density_of, parted

FIRST_CLAUSE = 12
"""Characters that the first clause has at least to be spoken on its own."""

FIRST_WORDS = (40, 60)
"""Without a mark for so many, the first piece ends behind a word: about four seconds of speech, in which the model writes on."""

EARLY = 30
"""Characters until which pieces are early: behind a mere "Sure!" nothing would be heard while a whole sentence is written."""

LONG = 150
"""Characters of a sentence, about 10 s of speech, beyond which its clauses are spoken while the model writes on."""

SLICE = 100
"""Characters that are added at a time, however many come at once: all that is held is looked at for each piece."""

LONGEST_AT_ONCE = 2000
"""Characters that are looked at together, and for which the end of a link is waited for; never twice as many are held."""

_WHOLE = re.compile(
    r"!?\[[^\[\]\n]{0,200}(?:\Z|\](?:\Z|\((?:[^()\s]|\([^()\s]{0,200}(?:\)|\Z)){0,1000}(?: (?:\Z|\"[^\"\n]{0,200}(?:\Z|\"))?)?(?:\)|\Z))?)"
    r"|<(?:https?://|mailto:)[^<>\s]{0,1000}(?:>|\Z)"
    r"|\*\*(?=\S)(?:(?!\*\*)[^\n]){0,200}(?:\*\*|\Z)"
    r"|`[^`\n]{0,200}(?:`|\Z)"
)
# links, bold words and code, or what has begun so: with half the marks nobody knows them for what they are
_LINE = re.compile(r"[^\n]*\n\s*")
_BLANKS = re.compile(r"\s*")
_BLANK = re.compile(r"\s+")
_ORDINAL = re.compile(r"\d\.\s*\Z")
_WORD_BEGUN = re.compile(r"\W*\w+\Z")
# "am 3. M" may become "am 3. Mai"
_CLUSTER = regex.compile(r"\X")
_SURROGATE = re.compile("[\ud800-\udfff]")
_NUMBER = frozenset("0123456789.,:")


class Pieces:
    """Together, the pieces are the text, blanks included.

    A piece holds something to speak, save the last, and save where the model writes 300 characters without a letter or digit.
    Numbers, abbreviations, links and whatever looks like one character stay whole, unless they are longer than anything is held.
    """

    def __init__(self, language: str) -> None:
        """BCP 47; one that is unknown is cut by general rules."""
        self._language = language.split("-", maxsplit=1)[0].lower()
        self._held = ""
        self._given = 0
        # characters

    def push(self, text: str) -> list[str]:
        """The pieces that are whole now. A sentence is, once the next has begun: what looks like its end may be an abbreviation's."""
        pieces: list[str] = []
        for start in range(0, len(text), SLICE):
            self._held += text[start : start + SLICE]
            while end := self._end():
                pieces.append(self._held[:end])
                self._held = self._held[end:]
                self._given += end
        return pieces

    def flush(self) -> list[str]:
        """What is left, at the end of the answer."""
        rest, self._held = self._held, ""
        return [rest] if rest else []

    def _end(self) -> int:
        """Where the next piece ends; 0 while it has to grow."""
        text = _Text(self._held)
        within = LONGEST // text.density
        sentence = text.first(text.sentence_ends(self._language), 1, within)
        if self._given < EARLY // text.density:
            shortest, longest = (length // text.density for length in FIRST_WORDS)
            clause = text.first(text.clause_ends(), FIRST_CLAUSE // text.density, longest)
            early = min(filter(None, (sentence, clause)), default=0)
            if 0 < early <= longest:
                return early
            if len(text.plain) > longest and (word := text.last(text.word_ends(), shortest, longest)):
                return word
        if sentence:
            return sentence
        if len(text.plain) > LONG // text.density and (clause := text.last(text.clause_ends(), SHORTEST_CLAUSE // text.density, within)):
            return clause
        return text.forced(within) if len(text.plain) > within else 0


class _Text:
    """What is held, and where it may be cut: always in front of a character that is there already."""

    def __init__(self, text: str) -> None:
        self.plain = text if text.isascii() else _SURROGATE.sub("\ufffd", text)
        # as the library takes it
        self.density = density_of(self.plain)
        self._whole = [found.span() for found in _WHOLE.finditer(self.plain)]
        self._heard_from = next((place for place, character in enumerate(self.plain) if speakable(character)), len(text))
        self._heard_to = next((place for place in range(len(text) - 1, -1, -1) if speakable(self.plain[place])), -1)

    def sentence_ends(self, language: str) -> Iterator[int]:
        """Behind each that is followed by something of the next, and behind each line."""
        start = 0
        for line in _LINE.finditer(self.plain):
            yield from self._sentence_ends(line.group(), line.start(), language)
            start = line.end()
        for end in self._sentence_ends(self.plain[start:], start, language):
            if end <= self._heard_to and not (_ORDINAL.search(self.plain, 0, end) and _WORD_BEGUN.match(self.plain, end)):
                yield end

    def clause_ends(self) -> Iterator[int]:
        for found in CLAUSE_END.finditer(self.plain):
            yield self._behind_blanks(found.end())

    def word_ends(self) -> Iterator[int]:
        """Between two words of letters: no number is parted from its unit, and no abbreviation from what it belongs to."""
        for blank in _BLANK.finditer(self.plain, 1, len(self.plain) - 1):
            before, after = self.plain[blank.start() - 1], self.plain[blank.end() : blank.end() + 1]
            if unicodedata.category(before)[0] in "LM" and after.isalpha():
                yield blank.end()

    def first(self, ends: Iterable[int], earliest: int, latest: int) -> int:
        return next((end for end in ends if earliest <= end <= latest and end > self._heard_from and self._fits(end)), 0)

    def last(self, ends: Iterable[int], earliest: int, latest: int) -> int:
        return self.first(reversed(list(ends)), earliest, latest)

    def forced(self, latest: int) -> int:
        """Within a sentence without end or clauses; 0 for a link that may still end."""
        start = next((start for start, end in self._whole if start <= latest < end), None)
        if start is not None and len(self.plain) <= LONGEST_AT_ONCE:
            return start if start > self._heard_from else 0
        blanks = (blank.end() for blank in _BLANK.finditer(self.plain))
        return self.last(self.word_ends(), 1, latest) or self.last(blanks, 1, latest) or self._within_word(latest)

    def _sentence_ends(self, line: str, start: int, language: str) -> Iterator[int]:
        for sentence in parted(line, language):
            start += len(sentence)
            yield self._behind_blanks(start)

    def _behind_blanks(self, end: int) -> int:
        blanks = _BLANKS.match(self.plain, end)
        return blanks.end() if blanks else end

    def _within_word(self, latest: int) -> int:
        ends: list[int] = [found.end() for found in _CLUSTER.finditer(self.plain, 0, latest + 1)][:-1]
        outside = [end for end in ends if not (self.plain[end - 1] in _NUMBER and self.plain[end] in _NUMBER)]
        return (outside or ends or [latest])[-1]

    def _fits(self, end: int) -> bool:
        """Whether nothing that belongs together is parted there."""
        if end >= len(self.plain) or any(start < end < stop for start, stop in self._whole):
            return False
        if self.plain[end].isascii():
            return True
        clusters: list[int] = [found.start() for found in _CLUSTER.finditer(self.plain, 0, end + 1)]
        return clusters[-1] == end
