"""What a rule is: a pattern, and what is said for it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from voice.text.reading.numerals import Unreadable

TAKEN = "\ufffc"
"""Stands where an earlier rule has read: no letter, digit, blank or sign that another rule looks for."""

LOOK_BACK = 16
"""Characters, more than any word has that a reading depends on."""


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a sentence that is read other than it is written."""

    start: int
    end: int
    spoken: str
    # empty where nothing is to be heard
    ipa: str = ""
    # how exactly, for an engine that reads it


Reading = Callable[[re.Match[str]], "str | list[Part] | None"]
"""What is said for all of a match, or for parts of it, or that it is not what it seemed."""


@dataclass(frozen=True, slots=True)
class Rule:
    pattern: re.Pattern[str]
    read: Reading


def before(found: re.Match[str]) -> str:
    """As much of the text in front of a match as any rule looks at."""
    return found.string[max(0, found.start() - LOOK_BACK) : found.start()]


def part(found: re.Match[str], group: str | int, spoken: str) -> Part:
    return Part(found.start(group), found.end(group), spoken)


def apply(rules: Sequence[Rule], text: str, parts: list[Part]) -> list[Part]:
    """The parts that the rules read, besides those that there are, in their order; where two want the same, the earlier rule has it."""
    left = _without(text, parts)
    found = list(parts)
    for rule in rules:
        new = list(_found(rule, left))
        left = _without(left, new)
        found += new
    return sorted(found, key=lambda one: one.start)


def _found(rule: Rule, text: str) -> Iterator[Part]:
    for match in rule.pattern.finditer(text):
        try:
            read = rule.read(match)
        except Unreadable:
            continue
        if isinstance(read, str):
            yield Part(*match.span(), read)
        elif read:
            yield from read


def _without(text: str, taken: Sequence[Part]) -> str:
    """The text with TAKEN for every character of the parts, which are in order."""
    if not taken:
        return text
    kept: list[str] = []
    at = 0
    for one in taken:
        kept += [text[at : one.start], TAKEN * (one.end - one.start)]
        at = one.end
    return "".join([*kept, text[at:]])
