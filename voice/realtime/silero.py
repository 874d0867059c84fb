"""Silero's detector, run by ONNX Runtime: better than WebRTC's, fifteen times as costly, hence asked only about what that lets through.

Its package brings the model along; none of its code is imported, which would load PyTorch into the server. The model is loaded once
for all streams, each of which keeps some 55 KiB, nearly all of it its resampler's.
"""

from __future__ import annotations

import importlib.util
from collections import deque
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

from voice.audio.pcm import RATE
from voice.engines.base import EngineUnavailable, Pcm

MODEL = "data/silero_vad_16k_op15.onnx"
WIDE_RATE = 16_000
WINDOW, CONTEXT = 512, 64
"""Samples at 16 kHz that the model is shown at a time, and of those before them."""

STATE = (2, 1, 128)

OPEN = 0.1
"""Probability of the first detector from which on the model listens: a tenth of a second after a word it is no longer reached."""

RUN_UP = 3
"""Frames before that one which it is shown too: it knows a word by how it begins."""


class Silero:
    """Of one stream. EngineUnavailable where the model or its runtime is not installed."""

    def __init__(self) -> None:
        self._model = model()
        self._stream = soxr.ResampleStream(RATE, WIDE_RATE, 1, dtype="float32", quality="LQ")
        self._before: deque[Pcm] = deque(maxlen=RUN_UP)
        self._open = False
        self._probability = 0.0
        self._close()

    def reset(self) -> None:
        self._before.clear()
        self._close()

    def judge(self, frames: Pcm, probabilities: list[float]) -> list[float]:
        return [self._judge(frame, probability) for frame, probability in zip(frames, probabilities, strict=True)]

    def _judge(self, frame: Pcm, probability: float) -> float:
        if probability < OPEN:
            if self._open:
                self._close()
            self._before.append(frame.copy())
            return probability
        if not self._open:
            self._open = True
            for earlier in self._before:
                self._listen(earlier)
            self._before.clear()
        self._listen(frame)
        return self._probability

    def _close(self) -> None:
        self._open = False
        self._probability = 0.0
        self._state = np.zeros(STATE, np.float32)
        self._waiting = np.zeros(CONTEXT, np.float32)
        # the context of the next window, and what there is of it
        self._stream.clear()

    def _listen(self, frame: Pcm) -> None:
        wide: NDArray[np.float32] = self._stream.resample_chunk(frame.astype(np.float32) / 32768)
        self._waiting = np.concatenate([self._waiting, wide])
        while self._waiting.size >= CONTEXT + WINDOW:
            shown, self._waiting = self._waiting[None, : CONTEXT + WINDOW], self._waiting[WINDOW:]
            likely, self._state = self._model.run(None, {"input": shown, "state": self._state, "sr": _RATE_TENSOR})
            self._probability = float(likely[0, 0])


_RATE_TENSOR = np.array(WIDE_RATE)


@cache
def model() -> Any:
    """The model, loaded at the first call: 0.3 s that belong to the start of the process, not to its first listener."""
    package = importlib.util.find_spec("silero_vad")
    if package is None or not package.submodule_search_locations or importlib.util.find_spec("onnxruntime") is None:
        raise EngineUnavailable("Silero's detector is not installed: pip install 'voice-platform[silero]'")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    path = Path(package.submodule_search_locations[0]) / MODEL
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
