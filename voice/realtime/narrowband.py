"""Between a telephone's 8 kHz and our 24 kHz, as streams: three samples in or out for one, at once.

A filter of our own, because three to one is all it does: the libraries' streams, made for any ratio, hold 20 to 75 ms back (soxr) or
take 180 KiB each (libswresample). This one is 2 ms late, keeps 200 samples and loses nothing: so many in, a third or three times as
many out.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from voice.engines.base import Pcm

FACTOR = 3
TAPS = 96
"""4 ms at 24 kHz."""

CUTOFF = 3720 / 24_000
"""Of the rate: passes what a telephone does, up to 3400 Hz, and stops what 8 kHz can't hold, by 60 dB."""

SHAPE = 5.65
"""Kaiser's beta for 60 dB."""

_LIMITS = np.iinfo(np.int16)


def _low_pass() -> NDArray[np.float32]:
    place = np.arange(TAPS) - (TAPS - 1) / 2
    taps: NDArray[np.float64] = np.sinc(2 * CUTOFF * place) * np.kaiser(TAPS, SHAPE)
    taps /= taps.sum()
    return taps.astype(np.float32)


_FILTER = _low_pass()
_PHASES = np.ascontiguousarray(_FILTER.reshape(-1, FACTOR)[::-1] * FACTOR)
# one column for each of the samples that come of one


def _rounded(samples: NDArray[np.float32]) -> Pcm:
    return np.clip(np.rint(samples), _LIMITS.min, _LIMITS.max).astype(np.int16)


class Widener:
    """8 kHz in, 24 kHz out."""

    def __init__(self) -> None:
        self._kept = np.zeros(len(_PHASES) - 1, np.float32)

    def push(self, pcm: Pcm) -> Pcm:
        """Three samples for each."""
        if not pcm.size:
            return pcm
        stream = np.concatenate([self._kept, pcm], dtype=np.float32)
        self._kept = stream[-self._kept.size :].copy()
        return _rounded((sliding_window_view(stream, len(_PHASES)) @ _PHASES).ravel())


class Narrower:
    """24 kHz in, 8 kHz out."""

    def __init__(self) -> None:
        self._kept = np.zeros(TAPS - FACTOR, np.float32)

    def push(self, pcm: Pcm) -> Pcm:
        """One sample for every three that are there by now."""
        stream = np.concatenate([self._kept, pcm], dtype=np.float32)
        ready = max(0, (stream.size - TAPS) // FACTOR + 1)
        self._kept = stream[ready * FACTOR :].copy()
        if not ready:
            return np.zeros(0, np.int16)
        return _rounded(sliding_window_view(stream, TAPS)[::FACTOR] @ _FILTER)
