"""What a recording looks like: how far it swings in each part of it, and how loud it is. Pure arithmetic."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from voice.audio.judge import FULL_SCALE, SILENCE
from voice.engines.base import Pcm

PARTS = 200
WHOLE = 100
# per cent of full scale


@dataclass(frozen=True, slots=True)
class Waveform:
    peaks: list[int]
    # of equal parts, the first first: per cent of full scale, rounded up so that what sounds is seen
    level_db: float
    # of all of it, against full scale
    peak_db: float


def waveform(pcm: Pcm) -> Waveform:
    size = np.abs(pcm.astype(np.float64)) / FULL_SCALE
    parts = np.array_split(size, min(PARTS, size.size)) if size.size else []
    return Waveform(
        peaks=[min(WHOLE, int(np.ceil(part.max() * WHOLE))) for part in parts],
        level_db=_decibels(float((size**2).mean()) if size.size else 0.0),
        peak_db=_decibels(float(size.max()) ** 2 if size.size else 0.0),
    )


def _decibels(power: float) -> float:
    return round(float(10 * np.log10(max(power, SILENCE))), 1)
