"""Asking a model for speech, and sound for it to hear."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from voice.engines.base import Pcm, Reference, Source, Utterance
from voice.engines.coqui import Coqui

RATE = 24_000
# Hz of what models hear
SYLLABLE = 0.25
# seconds


def source_at(folder: Path) -> Source:
    return Source(folder.name, str(folder))


def said(source: Source, text: str, **others: Any) -> Utterance:
    defaults: dict[str, Any] = {"speaker": "", "language": "en", "seed": 1}
    return Utterance(text, model=source, **defaults | others)


def say(engine: Coqui, source: Source, text: str, **others: Any) -> Pcm:
    return np.concatenate(list(engine.synthesize(said(source, text, **others))))


def murmur(seconds: float, *, seed: int = 0) -> Pcm:
    """Noise that swells and fades like syllables."""
    moments = np.arange(round(seconds * RATE)) / RATE
    noise = np.random.default_rng(seed).standard_normal(len(moments))
    swelling: Pcm = (noise * 6_000 * np.sin(np.pi * moments / SYLLABLE) ** 2).astype(np.int16)
    return swelling


def somebody(folder: Path, *, key: str = "somebody-1", seed: int = 7) -> Reference:
    return Reference(key, lambda: [murmur(3, seed=seed)], folder)
