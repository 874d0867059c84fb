"""What there is to say, and the register of those who say it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

LIMIT = 15.0
# seconds that a check may take, unless it says otherwise
IMPORTING = 60.0
# seconds for one that imports much: it hangs nowhere, but a busy machine is slow


class Level(StrEnum):
    OK = "ok"
    WARNING = "warning"
    # it works, and may not for long or not well
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class Finding:
    level: Level
    message: str
    advice: str = ""
    # what to do; empty where all is well


@dataclass(frozen=True, slots=True)
class Check:
    noun: str
    look: Callable[[], Iterator[Finding]]
    needs: tuple[str, ...]
    # nouns, of which a failure makes this one pointless
    limit: float
    # seconds


CHECKS: list[Check] = []


def check(
    noun: str, *, needs: tuple[str, ...] = (), limit: float = LIMIT
) -> Callable[[Callable[[], Iterator[Finding]]], Callable[[], Iterator[Finding]]]:
    """Register a check. Whatever it raises, or takes too long for, is a finding too."""

    def register(look: Callable[[], Iterator[Finding]]) -> Callable[[], Iterator[Finding]]:
        CHECKS.append(Check(noun, look, needs, limit))
        return look

    return register


def well(message: str) -> Finding:
    return Finding(Level.OK, message)


def warning(message: str, advice: str) -> Finding:
    return Finding(Level.WARNING, message, advice)


def failure(message: str, advice: str) -> Finding:
    return Finding(Level.FAILURE, message, advice)
