"""What a language reads figures and signs with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from voice.text.reading.numerals import Numerals

NEVER = "(?!)"
"""A pattern that is found nowhere."""

Endings = tuple[tuple[str, str], ...]
"""Patterns of a number's end, and what stands in their place, one after the other."""


def cardinal_year(numerals: Numerals, year: int, before: str) -> str:
    del before
    return numerals.cardinal(year)


def spoken_year(numerals: Numerals, year: int, before: str) -> str:
    del before
    return numerals.year(year)


def cardinal_day(numerals: Numerals, day: int, before: str) -> str:
    del before
    return numerals.cardinal(day)


def first_day(numerals: Numerals, day: int, before: str) -> str:
    """The first of a month is an ordinal, every other day is counted."""
    del before
    return numerals.ordinal(day) if day == 1 else numerals.cardinal(day)


@dataclass(frozen=True, slots=True)
class Currency:
    """Names by CLDR's plural categories ("one", "few", "many", "other"); "other" stands in for those that are left out."""

    names: Mapping[str, str]
    cents: Mapping[str, str] = field(default_factory=dict)
    feminine: bool = False


@dataclass(frozen=True, slots=True)
class Scale:
    """Names by plural category, as a currency's. A scale that is a number, not a noun, has no "of" behind it."""

    names: Mapping[str, str]
    feminine: bool = False
    noun: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    numbers: str
    # what num2words calls the language
    point: str
    # before decimals
    minus: str
    to: str
    # between the ends of a range
    percent: str
    dot: str
    # between the numbers of a version
    decimals_singly: bool = False
    # every decimal is read by itself, also where there are two

    signs: Mapping[str, str]
    # spoken wherever they stand: "&", "="
    number_sign: str
    # "#" before a figure
    hashtag: str
    # "#" before a word
    address: Mapping[str, str]
    # the signs within a URL or an e-mail address
    slash: str
    # between two words
    abbreviations: tuple[tuple[str, str], ...]
    # patterns, the longer ones of two that begin alike first
    never_last: str = NEVER
    # a pattern of those that no sentence ends with, without their full stop

    currencies: Mapping[str, Currency]
    money: str
    # how an amount with cents is put together, of {major}, {name}, {minor} and {cents}
    scales: Mapping[str, Scale] = field(default_factory=dict)
    # behind a number, before its currency or alone: "Mio."
    of: tuple[str, str] = ("", "")
    # between such a scale and the currency, before a consonant and before a vowel
    masculine: Endings = ()
    feminine: Endings = ()
    # how numbers end before a noun
    counted: tuple[tuple[str, Endings], ...] = ()
    # the same before words of the text: patterns of what follows the number
    feminine_units: frozenset[str] = frozenset()
    # as babel calls them

    ordinals: str
    # a pattern with the group `n`, and `mark` for what makes it an ordinal
    ordinal_inside: str = NEVER
    # where they end with a full stop: a pattern of one, with what shows that its sentence goes on
    ordinal: Callable[[Numerals, int, str, str], str]
    # of a number, its mark and the text before it
    year: Callable[[Numerals, int, str], str] = cardinal_year
    # with the text before it
    years: tuple[int, int] = (0, 0)
    # from and to which a bare number of four digits is read like a year
    year_before: str = NEVER
    # a pattern behind which any number of four digits was one
    day: Callable[[Numerals, int, str], str] = cardinal_day
    # of a month; with the text before it
    day_mark: str = ""
    # a pattern for what is written behind the day
    month_first: bool = False
    # "May 3, 2024" is written as well as "3 May 2024"
    joint: str = ""
    # a pattern for the words between day, month and year
    date: str
    # how a date in figures is spoken, of {day}, {month} and {year}
    short_date: str = NEVER
    # a pattern of what stands before day and month where they are written "3.5."
    date_end: str = ""
    # a pattern for a word behind it that is said already
    clocks: tuple[str, ...]
    # patterns with the groups `h`, `m`, and where they are written `s` and `half`
    clock: Callable[[Numerals, int, int | None, str, str], str]
    # of hour, minute, half ("a", "p" or nothing) and the text before it


CLOCK = r"(?P<h>[01]?\d|2[0-4]):(?P<m>[0-5]\d)(?::(?P<s>[0-5]\d))?"
CLOCK_H = r"(?P<h>[01]?\d|2[0-4]) ?[hH] ?(?P<m>[0-5]\d)"
