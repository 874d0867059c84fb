"""Where in a recording somebody speaks: the frames that a detector takes for speech, made into stretches that can be understood alone."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from voice.engines.base import Pcm

FLOOR = 10
# per cent of the frames around one that are as quiet as the room is
NEIGHBOURS = 20.0
# seconds that the room is taken to stay as it is
ABOVE = 8.0
# dB that speech is above the room. What hums or hisses steadily is not, however loud; speech is never steady
SHORTEST = 0.09
# seconds; what is shorter is a click


def loudness(pcm: Pcm, frame: int) -> NDArray[np.float64]:
    """dB of each whole frame of so many samples; 0 for one that is silent."""
    whole = pcm[: pcm.size - pcm.size % frame].reshape(-1, frame).astype(np.float32)
    # without a second copy: half an hour is 100 MB
    power = np.einsum("ij,ij->i", whole, whole) / frame
    loud: NDArray[np.float64] = 10 * np.log10(1 + power.astype(np.float64))
    return loud


def above_the_room(loud: NDArray[np.float64], seconds: float) -> NDArray[np.bool_]:
    """The frames, of so many seconds each, that are louder than it is around them."""
    block = max(1, round(NEIGHBOURS / seconds))
    floors = [np.percentile(loud[start : start + block], FLOOR) for start in range(0, loud.size, block)]
    return loud > np.repeat(floors, block)[: loud.size] + ABOVE if floors else np.zeros(0, np.bool_)


def stretches(
    speaking: NDArray[np.bool_], loud: NDArray[np.float64], *, frame: float, silence: float, padding: float, longest: float
) -> Iterator[tuple[float, float]]:
    """Start and end in seconds of what lies between pauses, in order and apart from each other; frames are of `frame` seconds.

    One that is too long is parted where it is quietest.
    """
    until = len(speaking)
    runs = _joined([run for run in _runs(speaking) if (run[1] - run[0]) * frame >= SHORTEST], round(silence / frame))
    room = round(padding / frame)
    for place, (start, end) in enumerate(runs):
        before = runs[place - 1][1] if place else 0
        behind = runs[place + 1][0] if place + 1 < len(runs) else until
        first = max(start - room, (before + start + 1) // 2 if place else 0)
        last = min(end + room, (end + behind) // 2 if behind < until else until)
        for begun, ended in _parted(first, last, loud, round(longest / frame)):
            yield begun * frame, ended * frame


def _runs(speaking: NDArray[np.bool_]) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], speaking.astype(np.int8), [0]])))
    return [(int(start), int(end)) for start, end in edges.reshape(-1, 2)]


def _joined(runs: list[tuple[int, int]], gap: int) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in runs:
        if joined and start - joined[-1][1] < gap:
            joined[-1] = joined[-1][0], end
        else:
            joined.append((start, end))
    return joined


def _parted(start: int, end: int, loud: NDArray[np.float64], longest: int) -> Iterator[tuple[int, int]]:
    while end - start > longest:
        half = start + longest // 2
        cut = half + int(np.argmin(loud[half : start + longest]))
        yield start, cut
        start = cut
    yield start, end
