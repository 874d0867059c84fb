"""Numbers in languages that have no words of their own here: what num2words can say is said, all else is left to the engine."""

from __future__ import annotations

import re
from collections.abc import Sequence

from voice.text.reading.figures import locale_of, separators
from voice.text.reading.numerals import LONGEST, Numerals, known
from voice.text.reading.rules import Rule

_OTHER_NAMES = {"nb": "no", "nn": "no", "kk": "kz"}


def rules(language: str) -> Sequence[Rule]:
    code = language.partition("-")[0]
    code = _OTHER_NAMES.get(code, code)
    if not known(code):
        return []
    numerals = Numerals(code)
    _, group = separators(locale_of(language))
    grouped = re.compile(rf"(?<![\w.,])\d{{1,3}}(?:[{re.escape(group)}]\d{{3}}){{1,4}}(?![\w]|[.,]\d)")
    plain = re.compile(rf"(?<![\w.,:/-])[1-9]\d{{0,{LONGEST - 1}}}(?![\w:/-]|[.,]\d)")

    def read(found: re.Match[str]) -> str:
        return numerals.cardinal(int(re.sub(r"\D", "", found.group())))

    return [Rule(grouped, read), Rule(plain, read)]
