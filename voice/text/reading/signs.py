"""Abbreviations and signs that are words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from voice.text.languages.words import Words
from voice.text.normalisation import EMOJI
from voice.text.reading.rules import Part, Rule

_SILENT = re.compile("[\u00a9\u00ae\u2117\u2120\u2122\u2022\u2190-\u21ff\u25a0-\u25ff\u2020\u2021]+")
_BETWEEN_ONLY = "*<>~"
# signs that are read between numbers or words only: elsewhere they are decoration
_ALONE, _ENDED = r"(?<![\w.])", r"(?![^\W\d]|(?<=[^\W\d_ªº])\d)"
# around an abbreviation: behind its sign a digit may follow at once, as in "Nr.5" and "n°5"
_AROUND_ALWAYS = "&=@×÷±≈≠≤≥§°‰½¼¾%$€£"


@dataclass(frozen=True, slots=True)
class Signs:
    words: Words

    def first_rules(self) -> Sequence[Rule]:
        """Those that come before numbers: an abbreviation may hold a full stop that counts nothing."""
        words = self.words
        self_read = [spoken for _, spoken in words.abbreviations]
        pattern = "|".join(f"{'' if one.startswith('(?<=') else _ALONE}({one})" for one, _ in words.abbreviations)
        return [
            Rule(re.compile(rf"(?:{pattern}){_ENDED}"), lambda found: self_read[(found.lastindex or 1) - 1]),
            Rule(re.compile(r"(?<![\w#])#(?=\d)"), lambda _: words.number_sign),
            Rule(re.compile(r"(?<![\w#])#(?=[^\W\d_])"), lambda _: words.hashtag),
        ]

    def last_rules(self) -> Sequence[Rule]:
        signs = self.words.signs
        mixed = {sign: said for sign, said in signs.items() if sign in _BETWEEN_ONLY}
        always = {sign: said for sign, said in signs.items() if sign in _AROUND_ALWAYS}
        return [
            Rule(re.compile(r"(?<=[\d\ufffc])[½¼¾]"), lambda found: f"{signs['&']} {signs[found.group()]}"),
            Rule(re.compile(f"[{re.escape(''.join(always))}]"), lambda found: always[found.group()]),
            Rule(re.compile(rf"(?<=[\w\ufffc] )[{re.escape(''.join(mixed))}](?= [\w\ufffc])"), lambda found: mixed[found.group()]),
            Rule(re.compile(r"(?<!\S)~(?=[\d\ufffc])"), lambda _: signs["~"]),
            Rule(
                re.compile(r"(?<=[\w\ufffc])\+{1,2}(?!\w\w)|(?<= )\+(?= )|\+(?=\ufffc)"),
                lambda found: " ".join([signs["+"]] * len(found.group())),
            ),
            Rule(re.compile(r"(?<=[^\W\d_]{2})/(?=[^\W\d_]{2})|(?<= )/(?= )"), lambda _: self.words.slash),
        ]


def silent_rules() -> Sequence[Rule]:
    """Pictures and marks that are for the eye, in every language."""
    return [Rule(EMOJI, _unheard), Rule(_SILENT, _unheard)]


def _unheard(found: re.Match[str]) -> list[Part]:
    return [Part(*found.span(), "")]
