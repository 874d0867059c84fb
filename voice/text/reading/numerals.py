"""Numbers in words, by num2words."""

from __future__ import annotations

import re
from functools import lru_cache

from num2words import CONVERTER_CLASSES, num2words

LONGEST = 15
"""Digits of a number that is read as one. Beyond them, languages differ in what num2words can do, and nobody follows."""


class Unreadable(Exception):
    """The library has no words for a number, or fails over it, which each of its languages does in its own way."""


def known(code: str) -> bool:
    """Whether num2words has the language."""
    return code in CONVERTER_CLASSES


class Numerals:
    """The numbers of one language, as num2words calls it, without the commas that it puts between thousands."""

    def __init__(self, code: str) -> None:
        self.code = code

    def cardinal(self, number: int) -> str:
        return _words(number, self.code, "cardinal")

    def ordinal(self, number: int) -> str:
        return _words(number, self.code, "ordinal")

    def year(self, number: int) -> str:
        return _words(number, self.code, "year")

    def singly(self, digits: str) -> str:
        """Each digit by itself."""
        return " ".join(self.cardinal(int(digit)) for digit in digits)

    def plain(self, number: str) -> str:
        """Digits without a mark of thousands: as one number, or singly where it begins with a zero or is too long for one."""
        if len(number) > LONGEST or (number.startswith("0") and len(number) > 1):
            return self.singly(number)
        return self.cardinal(int(number))

    def decimals(self, digits: str, *, singly: bool) -> str:
        """What stands behind the point: up to two digits as a number, if the language does so."""
        return self.singly(digits) if singly or len(digits) > 2 else self.plain(digits)  # noqa: PLR2004


@lru_cache(maxsize=4096)
def _words(number: int, code: str, kind: str) -> str:
    try:
        words: str = num2words(number, lang=code, to=kind)
    except Exception as error:
        raise Unreadable(f"{kind} {number} in {code}") from error
    return re.sub(r"\s+", " ", words.replace(",", "")).strip()
