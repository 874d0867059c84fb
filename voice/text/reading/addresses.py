"""URLs, e-mail addresses and telephone numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from voice.text.reading.figures import Figures
from voice.text.reading.rules import Part, Rule

LONGEST = 80
"""Characters of a URL that are read: of a longer one only the host is."""
FEWEST_DIGITS, MOST_DIGITS = 7, 15
# of a telephone number with its country (E.164)
IN_PAIRS = {"fr"}
# languages in which telephone numbers are said two digits at a time
_DOMAINS = (
    "com|org|net|edu|gov|info|io|ai|app|dev|eu|tv|me|biz|co\\.uk|org\\.uk|ac\\.uk|uk|de|at|ch|fr|be|es|mx|it|pt|com\\.br|br|nl|pl|us|ca|au"
)
_HOST = r"(?:[A-Za-z0-9][A-Za-z0-9-]{0,62}\.){1,6}"
_REST = r"(?:[/?#][^\s<>\"'`\ufffc]*)?"


@dataclass(frozen=True, slots=True)
class Addresses:
    figures: Figures

    def rules(self) -> Sequence[Rule]:
        abbreviations = "|".join(pattern for pattern, _ in self.figures.words.abbreviations)
        return [
            Rule(re.compile(rf"(?<![\w.+-])[\w.+-]{{1,64}}@{_HOST}[A-Za-z]{{2,24}}(?![\w-])"), lambda found: self._spelt(found.group())),
            Rule(re.compile(r"(?<!\w)(?:https?://|www\.)[^\s<>\"'`\ufffc]+"), self._url),
            Rule(re.compile(rf"(?<![\w.@/-])(?!(?:{abbreviations})(?!\w)){_HOST}(?:{_DOMAINS})(?![\w-]){_REST}"), self._url),
        ]

    def telephone_rules(self) -> Sequence[Rule]:
        return [
            Rule(re.compile(r"(?<![\w+])\+\d[\d ()/.-]{5,20}\d(?!\d)"), lambda found: self._telephone(found.group())),
            Rule(
                re.compile(r"(?<![\w.,:/+-])(?:1[-. ])?(?:\(\d{3}\) ?|\d{3}[-. ])\d{3}[-.]\d{4}(?![\w-])"),
                lambda found: self._telephone(found.group()),
            ),
            Rule(re.compile(r"(?<![\w.,:/+-])\(?0\d{1,5}\)?(?:[ /.-]\d{2,8}){1,5}(?![\w:])"), lambda found: self._telephone(found.group())),
        ]

    def _url(self, found: re.Match[str]) -> list[Part]:
        """Without what nobody says: the scheme, "www", a final slash, the query."""
        url = found.group().rstrip(".,;:!?)]}»”’…")
        bare = re.sub(r"\A(?:https?://)?(?:www\.)?", "", url)
        bare = re.split(r"[?#]", bare, maxsplit=1)[0].rstrip("/")
        if len(bare) > LONGEST:
            bare = bare.partition("/")[0][:LONGEST]
        return [Part(found.start(), found.start() + len(url), self._spelt(bare))]

    def _spelt(self, address: str) -> str:
        words, numerals = self.figures.words, self.figures.numerals
        pieces = re.findall(r"[^\W\d_]+|\d+|[\W_]", address)
        said = (numerals.plain(piece) if piece.isdecimal() and piece.isascii() else words.address.get(piece, piece) for piece in pieces)
        return " ".join(piece for piece in said if piece[0].isalnum())

    def _telephone(self, written: str) -> str | None:
        groups = re.findall(r"\d+", written)
        if not FEWEST_DIGITS <= sum(map(len, groups)) <= MOST_DIGITS:
            return None
        words, numerals = self.figures.words, self.figures.numerals
        in_pairs = words.numbers.partition("_")[0] in IN_PAIRS
        said = [numerals.plain(group) if in_pairs and len(group) == 2 else numerals.singly(group) for group in groups]  # noqa: PLR2004
        plus = f"{words.signs['+']} " if written.startswith("+") else ""
        return plus + ", ".join(said)
