"""How likely it is that somebody speaks, 20 ms by 20 ms: WebRTC's detector behind a gate of loudness.

What is not louder than the room has been lately is no speech, and costs next to nothing. Of the rest, WebRTC's detector says
whether it sounds like speech; pure tones, which it takes for vowels, are told apart beforehand. How far speech stands out of the room
makes the probability, so that a session's `threshold` means something: 0.5 is 8 dB over the noise, 0.9 some 16.

Audio comes at 24 kHz and is looked at at 8 kHz, where WebRTC's detector works whatever it is given: three samples become one, without
the delay of 20 to 75 ms of the resampler's streams, in a third of their time. What that folds over does not matter here.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Protocol

import numpy as np
import webrtcvad
from numpy.typing import NDArray

from voice.engines.base import Pcm

FRAME = 480
"""Samples at 24 kHz: 20 ms."""

NARROW_RATE = 8000
"""Hz at which WebRTC's detector works."""

NARROWING = 3
"""Samples of ours to one of its."""

LONGEST_BLOCK = 50 * FRAME
"""Samples that are looked at together: a client may send minutes at once."""

AGGRESSIVENESS = 2
"""Of WebRTC's detector, 0 to 3: 3 misses most of what is said 20 dB under the usual, 0 and 1 take the first moments of hum for speech."""

QUIETEST_FLOOR_DB = -57.0
FIRST_FLOOR_DB = -30.0
"""Of full scale: what a room is taken for at least, so that nothing at -50 dB is speech, and at most before it was heard."""

FLOOR_BLOCK, FLOOR_BLOCKS = 10, 6
"""The floor is the quietest frame of so many blocks of so many: 1.2 s, in which whoever speaks pauses, and a fan does not."""

EVEN_DB, STEEPNESS_DB = 8.0, 3.6
"""What stands out of the floor by EVEN_DB is speech as likely as not; by STEEPNESS_DB more, the odds are e to 1."""

RISE, FALL = 0.5, 0.35
"""Share of the way to the newest frame's verdict. Two frames of speech are over 0.5, and one alone never."""

PURE = 2e-4
"""Of a frame's power, what the best sine leaves over: where it is less, the frame is a pure tone. Single frames of speech are, too."""

_ONES = np.ones(FRAME // NARROWING, np.float32)
_FULL_SCALE_DB = 20 * math.log10(32768)


class Second(Protocol):
    """A better detector, asked about what the first lets through."""

    def judge(self, frames: Pcm, probabilities: list[float]) -> list[float]:
        """Frames of shape (n, FRAME), every one of the stream, with what the first detector says of them."""
        ...

    def reset(self) -> None: ...


class NoiseFloor:
    """How loud it is where nobody speaks."""

    def __init__(self) -> None:
        self._minima = deque([FIRST_FLOOR_DB] * FLOOR_BLOCKS, FLOOR_BLOCKS)
        self._quietest = math.inf
        self._frames = 0

    def push(self, level: float) -> float:
        """Take a frame's level; return the floor, both in dB of full scale."""
        self._quietest = min(self._quietest, level)
        self._frames += 1
        if self._frames == FLOOR_BLOCK:
            self._minima.append(self._quietest)
            self._quietest, self._frames = math.inf, 0
        return max(QUIETEST_FLOOR_DB, min(*self._minima, self._quietest))


class Detector:
    """Of one stream. Keeps under 500 samples of it."""

    def __init__(self, second: Second | None = None) -> None:
        self._second = second
        self.reset()

    def reset(self) -> None:
        """As new."""
        self._webrtc = webrtcvad.Vad(AGGRESSIVENESS)
        self._floor = NoiseFloor()
        self._rest = np.zeros(0, np.int16)
        self._probability = 0.0
        if self._second:
            self._second.reset()

    def push(self, pcm: Pcm) -> list[float]:
        """Take samples at 24 kHz, any number of them; return a probability for every 20 ms that are whole by now."""
        stream = np.concatenate([self._rest, pcm]) if self._rest.size else pcm
        whole = stream.size - stream.size % FRAME
        self._rest = stream[whole:].copy()
        blocks = (stream[start : min(start + LONGEST_BLOCK, whole)] for start in range(0, whole, LONGEST_BLOCK))
        return [probability for block in blocks for probability in self._judge(block.reshape(-1, FRAME))]

    def _judge(self, frames: Pcm) -> list[float]:
        sums: NDArray[np.float32] = frames.reshape(-1, NARROWING).astype(np.float32) @ _ONES[:NARROWING]
        narrow = (sums / np.float32(NARROWING)).reshape(len(frames), -1)
        likely = [_odds(level - self._floor.push(level)) for level in _levels(narrow)]
        probabilities = [self._smooth(probability) for probability in self._confirmed(narrow, likely)]
        return self._second.judge(frames, probabilities) if self._second else probabilities

    def _confirmed(self, narrow: NDArray[np.float32], likely: list[float]) -> list[float]:
        """The probabilities of what sounds like speech, 0 for the rest."""
        if max(likely) < _GATE:
            return [0.0] * len(likely)
        tones, samples = _tones(narrow), narrow.astype(np.int16)
        return [
            probability if probability >= _GATE and not tone and self._webrtc.is_speech(frame.tobytes(), NARROW_RATE) else 0.0
            for probability, tone, frame in zip(likely, tones, samples, strict=True)
        ]

    def _smooth(self, probability: float) -> float:
        self._probability += (RISE if probability > self._probability else FALL) * (probability - self._probability)
        return self._probability


def _levels(frames: NDArray[np.float32]) -> list[float]:
    """How loud each frame is, in dB of full scale, without its mean: neither an offset nor rumble is loud."""
    size = frames.shape[1]
    sums, squares = np.vecdot(frames, _ONES).tolist(), np.vecdot(frames, frames).tolist()
    powers = (square / size - (total / size) ** 2 for total, square in zip(sums, squares, strict=True))
    return [10 * math.log10(max(power, 0.0) + 1) - _FULL_SCALE_DB for power in powers]


def _odds(over: float) -> float:
    """The probability of what stands out of the floor by so many dB."""
    return 1 / (1 + math.exp((EVEN_DB - over) / STEEPNESS_DB))


_GATE = _odds(3.0)
# what does not stand out by so many dB is not looked at


def _tones(frames: NDArray[np.float32]) -> list[bool]:
    """Which frames hold a single sine: there, every two samples apart add up to a multiple of the one between them."""
    outer, inner = frames[:, 2:] + frames[:, :-2], frames[:, 1:-1]
    crossed, power = np.vecdot(outer, inner), np.vecdot(inner, inner) + 1
    rest = np.vecdot(outer, outer) - crossed**2 / power
    pure: list[bool] = (rest < PURE * power).tolist()
    return pure
