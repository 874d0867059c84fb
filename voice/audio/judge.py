"""Whether a recording will do as a sample of a voice."""

from __future__ import annotations

from typing import Any

from voice.engines.base import Pcm


def judge(pcm: Pcm) -> dict[str, Any]:
    """What was measured of a sample at RATE, as JSON; a Refusal that says what to fix for one that will not do."""
    return {"samples": pcm.size}
