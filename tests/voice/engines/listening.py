"""Hearing what an engine says: the whole of an utterance, and the words that a recogniser makes of it."""

from __future__ import annotations

import re

import numpy as np
from pocketsphinx import Decoder

from voice.engines.base import Pcm, Synthesizer, Utterance


def say(engine: Synthesizer, text: str, speaker: str, *, speed: float = 1.0, seed: int | None = None) -> Pcm:
    blocks = list(engine.synthesize(Utterance(text, speaker, "en", speed, seed)))
    return np.concatenate(blocks)


def seconds(engine: Synthesizer, pcm: Pcm, speaker: str) -> float:
    return len(pcm) / rate_of(engine, speaker)


def rate_of(engine: Synthesizer, speaker: str) -> int:
    return next(known.rate for known in engine.speakers() if known.name == speaker)


def words_in(decoder: Decoder, pcm: Pcm) -> set[str]:
    """The words that pocketsphinx hears in int16 samples at 16 kHz."""
    decoder.start_utt()
    decoder.process_raw(pcm.tobytes(), full_utt=True)
    decoder.end_utt()
    heard = decoder.hyp()
    return set(re.findall(r"[a-z']+", heard.hypstr)) if heard else set()


def loudness(pcm: Pcm) -> float:
    """Root mean square, 1.0 for full scale."""
    return float(np.sqrt(np.mean((pcm / 32_768) ** 2)))
