"""Dates and times of day."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from voice.text.reading.figures import Figures
from voice.text.reading.rules import Part, Rule, before, part

MONTHS = 12
DAYS = 31
HOURS = 24
THIS_CENTURY, LAST_CENTURY = 2000, 1900
SHORT_YEAR = 2
# digits
FIRST_OF_LAST = 69
# so many and above are years of the last century, as POSIX has it

_DATES = (
    r"(?P<year>[12]\d{3})-(?P<month>[01]\d)-(?P<day>[0-3]\d)(?:T(?=\d\d:))?",
    r"(?P<day>[0-3]?\d)\.(?P<month>[01]?\d)\.(?P<year>(?:[12]\d)?\d\d)",
    r"(?P<day>[0-3]?\d)([/-])(?P<month>[0-3]?\d)\2(?P<year>[12]\d{3})",
)
# in figures


@dataclass(frozen=True, slots=True)
class Moments:
    figures: Figures
    month_first: bool
    # in dates of figures only

    def rules(self) -> Sequence[Rule]:
        words = self.figures.words
        names = sorted(self._months(), key=len, reverse=True)
        month = rf"(?P<month>(?:{'|'.join(map(re.escape, names))})(?!\w)\.?)"
        day, year = r"(?<![\w.,:/-])(?P<day>[0-3]?\d)", r"(?P<year>[12]\d{3})(?!\w)"
        rules = [Rule(re.compile(rf"(?<![\w/.-]){date}(?!(?<!T)\w|[/-]|\.\d){words.date_end}"), self._figures) for date in _DATES]
        rules.append(Rule(re.compile(r"(?<![\w.,:/-])(?P<day>[0-3]?\d)\.(?P<month>[01]?\d)\.(?![\w-])"), self._short))
        rules.append(Rule(re.compile(rf"{day}{words.day_mark}{words.joint} {month}(?:(?:{words.joint}|,) {year})?"), self._named))
        if words.month_first:
            rules.append(Rule(re.compile(rf"(?<!\w){month} (?P<day>[0-3]?\d){words.day_mark}(?![\w:])(?:,? {year})?"), self._named))
        return rules + [Rule(re.compile(rf"(?<![\w.,:]){clock}(?!:?\d|(?!Z\b)\w)"), self._clock) for clock in words.clocks]

    def _months(self) -> dict[str, int]:
        """Every name and abbreviation of a month, and its number."""
        names: dict[str, int] = {}
        for width in ("abbreviated", "wide"):
            for number, name in self.figures.locale.months["format"][width].items():
                names[name.removesuffix(".")] = number
        if self.figures.locale.language == "en":
            names["Sept"] = 9
        return names

    def _name(self, number: int) -> str:
        return str(self.figures.locale.months["format"]["wide"][number])

    def _figures(self, found: re.Match[str]) -> str | None:
        year, first, second = found["year"], int(found["day"]), int(found["month"])
        day, month = (second, first) if self.month_first and "/" in found.group() and first <= MONTHS else (first, second)
        if month > MONTHS >= day:
            day, month = month, day
        if not (1 <= day <= DAYS and 1 <= month <= MONTHS):
            return None
        words, numerals = self.figures.words, self.figures.numerals
        full = _full(int(year)) if len(year) == SHORT_YEAR else int(year)
        spoken_day = words.day(numerals, day, before(found))
        return words.date.format(day=spoken_day, month=self._name(month), year=words.year(numerals, full, ""))

    def _short(self, found: re.Match[str]) -> str | None:
        day, month = int(found["day"]), int(found["month"])
        words, written_before = self.figures.words, before(found)
        if not (1 <= day <= DAYS and 1 <= month <= MONTHS and re.search(words.short_date, written_before)):
            return None
        return f"{words.day(self.figures.numerals, day, written_before)} {self._name(month)}"

    def _named(self, found: re.Match[str]) -> list[Part] | None:
        day = int(found["day"])
        if not 1 <= day <= DAYS:
            return None
        words, numerals = self.figures.words, self.figures.numerals
        written = found["month"].removesuffix(".")
        day_end = found.end("day") + len(re.match(words.day_mark, found.string[found.end("day") :]).group())  # type: ignore[union-attr]
        parts = [
            Part(found.start("day"), day_end, words.day(numerals, day, before(found))),
            part(found, "month", self._name(self._months()[written])),
        ]
        if found["year"]:
            parts.append(part(found, "year", words.year(numerals, int(found["year"]), "")))
        return sorted(parts, key=lambda one: one.start)

    def _clock(self, found: re.Match[str]) -> str | None:
        groups = found.groupdict()
        hour = int(groups["h"])
        if hour > HOURS:
            return None
        minute = int(groups["m"]) if groups.get("m") else None
        spoken = self.figures.words.clock(self.figures.numerals, hour, minute, groups.get("half") or "", before(found))
        return f"{spoken} {self.figures.numerals.cardinal(int(groups['s']))}" if groups.get("s") else spoken


def _full(year: int) -> int:
    return year + (LAST_CENTURY if year >= FIRST_OF_LAST else THIS_CENTURY)
