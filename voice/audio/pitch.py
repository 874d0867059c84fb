"""The pitch of a voice over time, by autocorrelation, and how many voices it speaks of."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from voice.audio.pcm import RATE
from voice.engines.base import Pcm

STEP = RATE // 50
# samples between two frames, 20 ms
LOWEST = 65.0
HIGHEST = 400.0
# Hz that a voice has when it speaks
VOICED = 0.6
# of the autocorrelation without a lag: what repeats itself as much is voiced
EARLIEST = 0.9
# of the best repetition: the first that comes as near is the period, and not a multiple of it
STRETCH = 40
# voiced frames whose middle pitch counts as one: 0.8 s, a few words, so that neither an intonation nor a miss of the tracker is a voice
FEWEST_STRETCHES = 2
# that make a voice
LEAST_APART = 5.5
# semitones between the means of two voices; a man's and a woman's are 6 to 12 apart
WIDEST_GAP = 3.5
# semitones without a stretch that a single voice leaves
_DECIMATION = 3
_RATE = RATE // _DECIMATION
# Hz; a voice's first harmonics are below 4 kHz
_FRAME = _RATE // 20
# samples of a frame, 50 ms: three periods of the lowest voice
_STEP = STEP // _DECIMATION
_FFT = 1024
# at least a frame and the longest lag, so that the correlation does not wrap around


def pitch(pcm: Pcm) -> NDArray[np.float64]:
    """Hz of each frame of samples at RATE, shape (frames,); 0 where it is not voiced."""
    whole = pcm[: pcm.size - pcm.size % _DECIMATION].astype(np.float64)
    slow = whole.reshape(-1, _DECIMATION).mean(axis=1)
    if slow.size < _FRAME:
        return np.zeros(0)
    frames = np.lib.stride_tricks.sliding_window_view(slow, _FRAME)[::_STEP]
    frames = (frames - frames.mean(axis=1, keepdims=True)) * np.hanning(_FRAME)
    correlation = _correlation(frames) / np.maximum(_correlation(np.hanning(_FRAME)[None]), 1e-9)
    correlation /= np.maximum(correlation[:, :1], 1e-9)
    shortest, longest = int(_RATE / HIGHEST), int(_RATE / LOWEST)
    lags = correlation[:, shortest : longest + 1]
    best = lags.max(axis=1)
    inner = np.pad((lags[:, 1:-1] >= lags[:, :-2]) & (lags[:, 1:-1] >= lags[:, 2:]), ((0, 0), (1, 1)))
    first = (inner & (lags >= EARLIEST * best[:, None])).argmax(axis=1)
    voiced = (best >= VOICED) & (first > 0)
    return np.where(voiced, _RATE / (first + shortest), 0.0)


def _correlation(frames: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of each row with itself, by lag."""
    power = np.abs(np.fft.rfft(frames, _FFT)) ** 2
    return np.fft.irfft(power)[:, : _FRAME // 2]


def speakers(track: NDArray[np.float64]) -> list[float]:
    """The mean pitch, in Hz, of each of two voices that a track of pitches falls into; of one where it does not, and none where none is.

    Conservative on purpose. Two voices are told apart only when the middle pitches of stretches of speech form two groups that lie as
    far apart as a man's and a woman's mostly do, with nothing between them: no single voice that changes its pitch bit by bit as it
    speaks is taken for two. Two women, or two men, are not told apart, nor is whoever says less than two stretches' worth.
    """
    voiced = 12 * np.log2(track[track > 0])
    whole = voiced.size - voiced.size % STRETCH
    if not whole:
        return [float(track[track > 0].mean())] if voiced.size else []
    middles = np.sort(np.median(voiced[:whole].reshape(-1, STRETCH), axis=1))
    gaps = np.diff(middles)[FEWEST_STRETCHES - 1 : middles.size - FEWEST_STRETCHES]
    if not gaps.size or gaps.max() < WIDEST_GAP:
        return [_hertz(middles)]
    cut = int(gaps.argmax()) + FEWEST_STRETCHES
    lower, upper = middles[:cut], middles[cut:]
    apart = upper.mean() - lower.mean() >= LEAST_APART
    return [_hertz(lower), _hertz(upper)] if apart else [_hertz(middles)]


def _hertz(semitones: NDArray[np.float64]) -> float:
    return float(2 ** (semitones.mean() / 12))
