"""What hostile texts cost: processor time at a size and at four times that size. Quadratic code shows as a ratio of sixteen."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.voice.realtime.test_pieces import cut
from tests.voice.text.hostile import FIGURES, MARKUP, SPOKEN, STREAMED, repeat
from voice.realtime.utterances import ending, is_backchannel
from voice.text import Dictionary, Entry, forbidden_character, normalise, plan, speakable, verbalise

SMALL = 12_500
FACTOR = 4
MAX_RATIO = 10.0
NEGLIGIBLE_S = 0.02  # below it a ratio says nothing
DICTIONARY = Dictionary([Entry(f"x {'y ' * (number % 40)}{number}", "z") for number in range(1000)])


def report(_folder: Path, _postgres_url: str, _redis_url: str) -> None:
    """Print the dearest patterns of each reader. Raise SystemExit if the cost of any grows quadratically."""
    steep: list[str] = []
    print(f"Hostile texts, {SMALL * FACTOR:,} characters:")
    for name, patterns, read in (
        ("split into sentences", MARKUP, _split),
        ("numbers in words, en-us", FIGURES, partial(verbalise, language="en-us", dictionary=DICTIONARY)),
        ("numbers in words, fr", FIGURES, partial(verbalise, language="fr", dictionary=DICTIONARY)),
        ("streamed in, 30 characters at a time", STREAMED, partial(cut, size=30)),
        ("heard in a pause", SPOKEN, _hear),
    ):
        costs = {pattern: _measure(read, pattern) for pattern in patterns}
        dearest = max(costs, key=lambda pattern: costs[pattern][1])
        small, large = costs[dearest]
        print(f"  {name:<40} dearest {dearest!a}: {large * 1000:.0f} ms, {large / max(small, 1e-6):.1f} times a quarter of it")
        for pattern, (few, many) in costs.items():
            if many > NEGLIGIBLE_S and many / max(few, 1e-6) > MAX_RATIO:
                steep.append(f"{name}, {pattern!a}: {few * 1000:.0f} ms to {many * 1000:.0f} ms")
    if steep:
        raise SystemExit("Quadratic: " + "; ".join(steep))


def _split(text: str) -> None:
    speakable(text)
    forbidden_character(text)
    plan(normalise(text), "en")
    plan(text, "zh")


def _hear(text: str) -> None:
    ending(text)
    is_backchannel(text)


def _measure(read: Callable[[str], object], pattern: str) -> tuple[float, float]:
    """Return the seconds of processor time at both sizes; the better of two runs each."""
    read(pattern)
    return _cost(read, repeat(pattern, SMALL)), _cost(read, repeat(pattern, SMALL * FACTOR))


def _cost(read: Callable[[str], object], text: str) -> float:
    costs = []
    for _ in range(2):
        started = time.process_time()
        read(text)
        costs.append(time.process_time() - started)
    return min(costs)
