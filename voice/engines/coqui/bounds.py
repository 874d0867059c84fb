"""How long speech of a text can be at most: what a model goes on to say beyond it, nobody wrote."""

from __future__ import annotations

SECONDS_A_CHARACTER = 0.2
# slow speech takes 0.1
SECONDS_AN_IDEOGRAPH = 0.5
OVERHEAD = 2.0
# seconds: a short text has its pauses too
DENSE = ("zh", "ja", "ko")
# languages where a character is a syllable or more
FADE = 0.02
# seconds in which a cut tail fades


def longest(text: str, language: str, speed: float) -> float:
    """Seconds."""
    each = SECONDS_AN_IDEOGRAPH if language.partition("-")[0] in DENSE else SECONDS_A_CHARACTER
    return OVERHEAD + each * len(text) / speed
