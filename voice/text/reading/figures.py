"""How a language writes numbers, and how it says them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from babel import Locale, UnknownLocaleError

from voice.text.languages.words import Endings, Words
from voice.text.reading.numerals import LONGEST, Numerals
from voice.text.reading.rules import TAKEN, Part, Rule, before, part

BLANKS = " \u00a0\u2009\u202f"
MINUS = "[-\u2212]"
LONGEST_SPELT = 40
"""Digits of one that is read digit by digit. Longer ones are no numbers to anybody."""
YEAR_DIGITS = 4
LOOK_AHEAD = 20
# characters of what follows a number that its ending may depend on


class Figures:
    """The numbers of a language tag: `number` is their pattern, without sign and without groups."""

    def __init__(self, tag: str, words: Words) -> None:
        self.words = words
        self.numerals = Numerals(words.numbers)
        self.locale = locale_of(tag)
        self.decimal, group = separators(self.locale)
        decimal = re.escape(self.decimal)
        self._group = f"[{re.escape(group)}]"
        self.number = (
            rf"(?<!\d)(?<!\d[.,])(?:\d{{1,3}}(?:{self._group}\d{{3}}){{1,4}}(?!\d|[.,]\d{{3}}\b(?<!{decimal}\d{{3}}))|\d{{1,{LONGEST}}})"
            rf"(?:{decimal}\d{{1,{LONGEST}}})?(?!\d)"
        )
        if self.decimal == ".":
            self.number = rf"(?:{self.number}|(?<![\w.,{TAKEN}])\.\d{{1,{LONGEST}}}(?!\d|\.\d))"
        self.sign = rf"(?:(?<![\w)\]{TAKEN}]){MINUS})?"

    def plain(self, text: str) -> str:
        """Digits with "." as the point and at least one in front of it, for arithmetic."""
        plain = re.sub(self._group, "", text).replace(self.decimal, ".").replace("\u2212", "-")
        return re.sub(r"\A(-?)\.", r"\g<1>0.", plain)

    def spoken(self, text: str, endings: Endings = ()) -> str:
        """A number that `sign` and `number` found; with the endings that its noun asks for."""
        plain = self.plain(text)
        minus = f"{self.words.minus} " if plain.startswith("-") else ""
        whole, _, decimals = plain.removeprefix("-").partition(".")
        spoken = self.numerals.plain(whole)
        if decimals:
            said = self.numerals.decimals(decimals, singly=self.words.decimals_singly)
            return f"{minus}{spoken} {self.words.point} {said}"
        return f"{minus}{ended(spoken, endings)}"

    def plural(self, text: str) -> str:
        """CLDR's plural category for a number."""
        plain = self.plain(text)
        return str(self.locale.plural_form(float(plain) if "." in plain else int(plain)))

    def ordinal_rules(self) -> Sequence[Rule]:
        """Those of years that the word behind them tells come before its abbreviation is read."""
        return [
            Rule(re.compile(rf"(?<![\w.,])(\d{{{YEAR_DIGITS}}})(?={self.words.year_before})"), self._certain_year),
            Rule(re.compile(rf"(?<![\d.,]){self.words.ordinals}"), self._ordinal),
        ]

    def range_rule(self) -> Rule:
        """Between figures of which one has been read with its unit, date or currency: "5-10 km", "9:00-17:00"."""
        return Rule(re.compile(rf"(?<={TAKEN})[-–](?=[\d{TAKEN}])|(?<=\d)[-–](?={TAKEN})"), lambda _: self.words.to)

    def rules(self) -> Sequence[Rule]:
        return [
            Rule(
                re.compile(r"(?<![\d.,])\d{1,3}(?: 000){1,4}(?!\d|[.,]\d)"),
                lambda found: self.numerals.plain(found.group().replace(" ", "")),
            ),
            Rule(re.compile(r"(?<![\d.,])\d{1,5}(?:\.\d{1,5}){2,5}(?!\d|[.,]\d)"), self._version),
            Rule(re.compile(rf"(?<!\d[-–/]){self.sign}({self.number})(?: ?[–—] ?|-)({self.number})(?![-–/\d])"), self._range),
            Rule(re.compile(rf"(?<![\w.,+-])(\d{{{YEAR_DIGITS}}})(?![\w]|[.,]\d)"), self._year),
            Rule(re.compile(self.sign + self.number), self._counted),
            Rule(re.compile(rf"\d{{1,{LONGEST_SPELT}}}(?!\d)"), lambda found: self.numerals.plain(found.group())),
        ]

    def _version(self, found: re.Match[str]) -> str | None:
        if re.fullmatch(self.number, found.group()):
            return self._counted(found)
        return f" {self.words.dot} ".join(self.numerals.plain(number) for number in found.group().split("."))

    def _range(self, found: re.Match[str]) -> list[Part] | None:
        """Of two numbers that rise: "3-1" is a score."""
        first, second = found.groups()
        low, high = (float(self.plain(number)) for number in (first, second))
        if low >= high or second.startswith("0") or (first.startswith("0") and len(first) > 1):
            return None
        read = self._of_range(first), self._of_range(second)
        return [
            Part(found.start(), found.end(1), read[0] if found.start() == found.start(1) else f"{self.words.minus} {read[0]}"),
            Part(found.end(1), found.start(2), self.words.to),
            part(found, 2, read[1]),
        ]

    def _of_range(self, number: str) -> str:
        if len(number) == YEAR_DIGITS and number.isdigit() and self._like_a_year(int(number)):
            return self.words.year(self.numerals, int(number), "")
        return self.spoken(number)

    def _ordinal(self, found: re.Match[str]) -> str | None:
        if found["mark"] == "." and not before(found).strip():
            return None
        return self.words.ordinal(self.numerals, int(found["n"]), found["mark"], before(found))

    def _year(self, found: re.Match[str]) -> str | None:
        return self._certain_year(found) if self._like_a_year(int(found[1])) else None

    def _certain_year(self, found: re.Match[str]) -> str:
        return self.words.year(self.numerals, int(found[1]), before(found))

    def _counted(self, found: re.Match[str]) -> str:
        """With the ending that what follows asks for."""
        after = found.string[found.end() : found.end() + LOOK_AHEAD]
        return self.spoken(found.group(), next((endings for pattern, endings in self.words.counted if re.match(pattern, after)), ()))

    def _like_a_year(self, number: int) -> bool:
        earliest, latest = self.words.years
        return earliest <= number <= latest


def ended(spoken: str, endings: Endings) -> str:
    for pattern, ending in endings:
        spoken = re.sub(pattern, ending, spoken)
    return spoken


def locale_of(tag: str) -> Locale:
    """Babel's locale for a BCP 47 tag, or for as much of it as babel knows; English where it knows nothing."""
    parts = tag.split("-")
    for length in range(min(len(parts), 3), 0, -1):
        try:
            return Locale.parse("-".join(parts[:length]), sep="-")
        except (UnknownLocaleError, ValueError):
            continue
    return Locale("en")


def separators(locale: Locale) -> tuple[str, str]:
    """The decimal point, and every character that may stand between thousands."""
    symbols = locale.number_symbols.get("latn", locale.number_symbols)
    decimal, group = str(symbols.get("decimal", ".")), str(symbols.get("group", ","))
    if group.isspace():
        return decimal, BLANKS
    return decimal, "'’" if group == "’" else group
