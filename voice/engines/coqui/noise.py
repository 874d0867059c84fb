"""Noise for the rows of a batch, each from its own seed: what a text sounds like must not depend on its neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Noise:
    """Standard normal values, row by row.

    They are drawn along the time of a row, and each time from a stream of its own, so that a row which is padded to a longer one has
    the same values where it has a voice.
    """

    def __init__(self, seeds: Sequence[int]) -> None:
        self._seeds = [np.random.SeedSequence(seed) for seed in seeds]

    def draw(self, rows: int, channels: int, length: int) -> NDArray[np.float32]:
        """Shape (rows, channels, length), one seed to a row."""
        streams = [np.random.default_rng(seed.spawn(1)[0]) for seed in self._seeds[:rows]]
        drawn: list[NDArray[Any]] = [stream.standard_normal((length, channels), dtype=np.float32).T for stream in streams]
        return np.stack(drawn)
