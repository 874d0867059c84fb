"""What comes out of a microphone, at 24 kHz: speech by Flite, and all that is none. Loudness is in dB of full scale."""

from __future__ import annotations

import math
from functools import cache

import numpy as np

from tests.voice.engines.listening import rate_of, say
from voice.audio.pcm import RATE, Resampler, silence
from voice.engines.base import Pcm
from voice.engines.flite import Flite

SENTENCE = "Hello there, could you please tell me what the weather will be like tomorrow?"
VOICES = ["slt", "rms", "kal", "awb"]
FRAME_MS = 20


def loudness(pcm: Pcm) -> float:
    return 20 * math.log10(np.sqrt(np.mean(pcm.astype(float) ** 2)) / 32768 + 1e-9)


def at(level: float, samples: np.ndarray) -> Pcm:
    power = np.sqrt(np.mean(samples.astype(float) ** 2))
    loud: np.ndarray = np.rint(samples / power * 32768 * 10 ** (level / 20)).clip(-32768, 32767)
    return loud.astype(np.int16)


@cache
def speech(speaker: str = "slt", text: str = SENTENCE, level: float = -20) -> Pcm:
    flite = Flite()
    resampler = Resampler(rate_of(flite, speaker))
    spoken = say(flite, text, speaker)
    return at(level, np.concatenate([resampler.push(spoken), resampler.flush()]))


def onset_ms(pcm: Pcm) -> int:
    """When it is first within 25 dB of its own loudness."""
    frames = pcm[: pcm.size // 480 * 480].reshape(-1, 480)
    return next(index for index, frame in enumerate(frames) if loudness(frame) > loudness(pcm) - 25) * FRAME_MS


def tone(hz: float, level: float, ms: int = 2000) -> Pcm:
    return at(level, np.sin(2 * np.pi * hz * np.arange(RATE * ms // 1000) / RATE))


def hum(level: float, ms: int = 2000) -> Pcm:
    time = np.arange(RATE * ms // 1000) / RATE
    return at(level, np.sum([np.sin(2 * np.pi * 50 * overtone * time) / overtone for overtone in range(1, 7)], axis=0))


def white(level: float, ms: int = 2000) -> Pcm:
    return at(level, np.random.default_rng(5).normal(size=RATE * ms // 1000))


def brown(level: float, ms: int = 2000) -> Pcm:
    spectrum = np.fft.rfft(np.random.default_rng(6).normal(size=RATE * ms // 1000))
    return at(level, np.fft.irfft(spectrum / np.maximum(np.arange(spectrum.size), 20)))


def after_silence(pcm: Pcm, ms: int = 500) -> Pcm:
    return np.concatenate([silence(ms), pcm, silence(1000)])
