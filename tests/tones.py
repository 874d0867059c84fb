"""Reading back what the `tone` engine spoke."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BYTE_SAMPLES = 960
LOWEST_BIN = 20
# 500 Hz, where each bin is 25 Hz wide
HIGHEST_BIN = LOWEST_BIN + 255
PURITY = 0.98
# the part of a block's energy that its strongest bin must hold
AMPLITUDES = (0.4, 0.6)
FULL_SCALE = 32_767


class NotATone(AssertionError):
    """A block of 960 samples is not one clean tone of the engine's."""


def read_tones(pcm: NDArray[np.int16]) -> str:
    """The text in int16 samples of shape (960 n,) at 24 kHz. Raises NotATone for anything else, UnicodeDecodeError for other bytes."""
    if len(pcm) % BYTE_SAMPLES:
        raise NotATone(f"{len(pcm)} samples are not whole blocks of {BYTE_SAMPLES}: {len(pcm) % BYTE_SAMPLES} are left over")
    return bytes(_code(number, block) for number, block in enumerate(pcm.reshape(-1, BYTE_SAMPLES))).decode()


def _code(number: int, block: NDArray[np.int16]) -> int:
    spectrum = np.abs(np.fft.rfft(block / FULL_SCALE)) ** 2
    strongest = int(spectrum.argmax())
    if not LOWEST_BIN <= strongest <= HIGHEST_BIN:
        raise NotATone(f"block {number}: the strongest frequency, {25 * strongest} Hz, stands for no byte")
    if spectrum[strongest] < PURITY * spectrum.sum():
        raise NotATone(f"block {number}: {100 * spectrum[strongest] / spectrum.sum():.1f} % of the energy is in the strongest frequency")
    amplitude = 2 * float(np.sqrt(spectrum[strongest])) / BYTE_SAMPLES
    if not AMPLITUDES[0] <= amplitude <= AMPLITUDES[1]:
        raise NotATone(f"block {number}: amplitude {amplitude:.2f}")
    return strongest - LOWEST_BIN
