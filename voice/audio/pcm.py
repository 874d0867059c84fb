"""Samples: from an engine's rate to ours, and from single sentences to one stream without clicks or dead air."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray

from voice.engines.base import Pcm

RATE = 24_000
"""Hz. Everything that leaves the service is mono, 16 bits, signed, little-endian, at this rate."""

THRESHOLD = 64
"""Samples of at most this size are silence: -54 dB of full scale, below the noise floor of recorded voices."""

LEAD_MS = 10
"""Silence that stays in front of a sentence, so that a soft first consonant is not cut."""

TAIL_MS = 30
"""Silence that stays behind a sentence, so that the last sound may ring out."""

FADE_MS = 5
"""Length of the ramp at both edges of a sentence. Not longer than TAIL_MS: then it only touches speech where the engine broke off."""

CLAUSE_PAUSE_MS = 80
SENTENCE_PAUSE_MS = 250
PARAGRAPH_PAUSE_MS = 600

_LIMITS = np.iinfo(np.int16)


def samples(ms: float) -> int:
    """How many samples at RATE last `ms` milliseconds."""
    return round(ms * RATE / 1000)


def silence(ms: float) -> Pcm:
    """Zeros at RATE, shape (samples,)."""
    return np.zeros(samples(ms), np.int16)


def _join(blocks: list[Pcm]) -> Pcm:
    return np.concatenate(blocks) if blocks else silence(0)


class Resampler:
    """Blocks at an engine's rate in, blocks at RATE out; the same samples whatever the size of the blocks."""

    def __init__(self, rate: int) -> None:
        self._stream = soxr.ResampleStream(rate, RATE, 1, dtype="float32", quality="HQ") if rate != RATE else None

    def push(self, block: Pcm) -> Pcm:
        """What is ready, possibly nothing: the filter holds back about 40 ms of 16 kHz and more, 75 ms of 8 kHz."""
        return self._run(block, last=False)

    def flush(self) -> Pcm:
        """The rest. Afterwards the resampler is as new."""
        rest = self._run(silence(0), last=True)
        if self._stream:
            self._stream.clear()
        return rest

    def _run(self, block: Pcm, *, last: bool) -> Pcm:
        if self._stream is None:
            return block
        out: NDArray[np.float32] = self._stream.resample_chunk(block.astype(np.float32), last=last)
        return np.clip(np.rint(out), _LIMITS.min, _LIMITS.max).astype(np.int16)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sentence lies in the stream, in samples."""

    origin: int
    # of its first sample, if nothing in front of it had been trimmed
    start: int
    end: int
    # of what is left of it

    def seconds(self, moment: float) -> float:
        """When in the stream something is heard that is so many seconds from the sentence's first sample."""
        return min(max(self.origin + moment * RATE, self.start), self.end) / RATE


class Joiner:
    """Makes one stream of sentences that were spoken one by one.

    Of every sentence the silence at both edges is trimmed to LEAD_MS and TAIL_MS, both edges are faded over FADE_MS, and between two
    sentences stands exactly the pause that was asked for. All PCM is at RATE. What is held back is the silence since the last sound,
    because it may turn out to be the end, or FADE_MS, whichever is longer. The samples do not depend on how they are cut into blocks.
    """

    _RAMP: NDArray[np.float64] = (np.arange(samples(FADE_MS)) + 0.5) / samples(FADE_MS)

    def __init__(self) -> None:
        self._pause = 0
        # samples owed before the next sentence
        self._given = 0
        # samples that left
        self.place = Place(0, 0, 0)
        # of the sentence that ended last; empty where that never sounded
        self._begin()

    def _begin(self) -> None:
        self._held: list[Pcm] = []
        self._quiet = 0
        # samples at the end of what is held that are silence
        self._sounding = False
        self._faded = 0
        # samples of the ramp at the front that are done
        self._dropped = 0
        # samples of silence in front of it that are gone
        self._start_at = self._given

    def push(self, block: Pcm) -> Pcm:
        """Take a block of the current sentence; return what is ready of it, possibly nothing."""
        return self._give(self._take(block))

    def _take(self, block: Pcm) -> Pcm:
        loud = np.flatnonzero(np.abs(block.astype(np.int32)) > THRESHOLD)
        if not self._sounding:
            return self._wait(block) if loud.size == 0 else self._start(block, int(loud[0]), int(loud[-1]))
        self._held.append(self._fade_in(block))
        if loud.size == 0:
            self._quiet += block.size
            return silence(0)
        self._quiet = block.size - 1 - int(loud[-1])
        return self._release()

    def end(self, pause_ms: float = SENTENCE_PAUSE_MS) -> Pcm:
        """End the sentence: return its last samples. The pause comes out with the next sentence that sounds, hence never at the end.

        A sentence that never sounded leaves nothing, and adds no pause of its own to the one that is owed.
        """
        rest = _join(self._held)
        if self._sounding:
            rest = self._fade_out(rest[: rest.size - max(0, self._quiet - samples(TAIL_MS))])
            self._pause = samples(pause_ms)
        elif self._pause:
            rest, self._pause = silence(0), max(self._pause, samples(pause_ms))
        else:
            rest = silence(0)
        self._give(rest)
        self.place = Place(self._start_at - self._dropped, self._start_at, self._given)
        self._begin()
        return rest

    def _give(self, ready: Pcm) -> Pcm:
        self._given += ready.size
        return ready

    def _wait(self, block: Pcm) -> Pcm:
        whole = _join([*self._held, block])
        self._held = [whole[-samples(LEAD_MS) :]]
        self._dropped += whole.size - self._held[0].size
        return silence(0)

    def _start(self, block: Pcm, first: int, last: int) -> Pcm:
        whole = _join([*self._held, block])
        before = whole.size - block.size
        self._sounding = True
        self._quiet = block.size - 1 - last
        trimmed = max(0, before + first - samples(LEAD_MS))
        self._dropped += trimmed
        self._start_at = self._given + self._pause
        self._held = [self._fade_in(whole[trimmed:])]
        return _join([np.zeros(self._pause, np.int16), self._release()])

    def _release(self) -> Pcm:
        whole = _join(self._held)
        ready = max(0, whole.size - max(self._quiet, samples(FADE_MS)))
        self._held = [whole[ready:]]
        return whole[:ready]

    def _fade_in(self, block: Pcm) -> Pcm:
        ramp = self._RAMP[self._faded : self._faded + block.size]
        self._faded += ramp.size
        return _scaled(block, ramp, 0) if ramp.size else block

    def _fade_out(self, block: Pcm) -> Pcm:
        ramp = self._RAMP[::-1][-block.size :] if block.size else self._RAMP[:0]
        return _scaled(block, ramp, block.size - ramp.size)


def _scaled(block: Pcm, ramp: NDArray[np.float64], at: int) -> Pcm:
    """A copy of the block, with `ramp.size` samples from `at` on multiplied by the ramp."""
    faded = block.copy()
    faded[at : at + ramp.size] = np.rint(faded[at : at + ramp.size] * ramp).astype(np.int16)
    return faded
