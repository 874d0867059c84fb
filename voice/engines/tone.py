"""The tone engine: a text that can be read back from its sound, for tests, demonstrations and the integration of clients.

Every byte `b` of the text's UTF-8 becomes 40 ms, 960 samples at 24 kHz, of a sine of `500 + 25 * b` Hz at half of full scale. These are
whole periods, so the FFT of each 960 samples has one line, at bin `20 + b`.

Where the operator allows test engines, an utterance's seed makes it misbehave:

| seed          | what happens                                                                                                 |
|---------------|--------------------------------------------------------------------------------------------------------------|
| 1             | fails before the first block, not transient                                                                  |
| 2             | fails after half of the bytes, transient                                                                     |
| 3             | speaks half of the bytes, then hangs: for ever an empty block each 10 ms, so that it can be closed meanwhile |
| 4             | kills its process by SIGKILL after half of the bytes                                                         |
| 1000 to 61000 | is slow: sleeps `seed - 1000` ms before each byte, which comes as a block of its own                         |
| from 10^9 on  | costs the worker its device, if its process began before that moment, in Unix seconds                        |

Any other seed, and any seed where test engines are not allowed, changes nothing.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Generator, Iterator, Sequence
from typing import ClassVar, NoReturn

import numpy as np

from voice.engines.base import DeviceLost, EngineFailed, Mark, Pcm, Speaker, Synthesizer, UnsupportedText, Utterance

RATE = 24_000
BYTE_SAMPLES = 960
LOWEST_HZ = 500
STEP_HZ = 25
AMPLITUDE = 0.5

FAILS_AT_ONCE = 1
FAILS_HALF_WAY = 2
HANGS_HALF_WAY = 3
DIES_HALF_WAY = 4
SLOW = 1_000
SLOWEST = 61_000
LOST_FROM = 1_000_000_000  # from here on a seed is a moment in Unix seconds: a worker that began before it loses its device

BLOCK_BYTES = 5
# 200 ms of sound
HANG_STEP = 0.01
# seconds
FULL_SCALE = 32_767
BYTES = 256
MS = 1_000


_BEGAN = time.time()  # when the process imported this: before it was ready for work


class _Broken(EngineFailed):
    """A failure that a second attempt repeats."""

    transient = False


class Tone(Synthesizer):
    name: ClassVar[str] = "tone"
    speeds: ClassVar[tuple[float, float]] = (1.0, 1.0)
    verbatim: ClassVar[bool] = True
    timed: ClassVar[bool] = True

    def __init__(self, *, misbehave: bool = False) -> None:
        self._misbehave = misbehave
        self._tones = _tones()

    def speakers(self) -> Sequence[Speaker]:
        return [Speaker("tone", ("mul",), RATE, description="Not speech: each byte of the text as 40 ms of a tone, for tests.")]

    def rate(self, _utterance: Utterance) -> int:
        """The same whoever is to speak: it also stands in for a model that clones."""
        return RATE

    def synthesize(self, utterance: Utterance) -> Generator[Pcm, None, None]:
        """Yield int16 blocks of shape (960 n,), n bytes of the text each, at 24 kHz.

        Raises UnsupportedText for an empty text and for a surrogate, EngineFailed where the seed says so.
        """
        codes = _codes(utterance.text)
        if utterance.mark is not None:
            for mark in _marks(utterance.text):
                utterance.mark(mark)
        seed = utterance.seed if self._misbehave else None
        if seed == FAILS_AT_ONCE:
            raise _Broken
        if seed is not None and SLOW <= seed <= SLOWEST:
            yield from self._slowly(codes, (seed - SLOW) / MS)
            return
        if seed is not None and seed >= LOST_FROM and seed > _BEGAN:
            raise DeviceLost
        half = len(codes) // 2
        yield from self._blocks(codes[:half])
        if seed in _MISBEHAVIOURS:
            yield from _MISBEHAVIOURS[seed]()
        yield from self._blocks(codes[half:])

    def _blocks(self, codes: bytes, size: int = BLOCK_BYTES) -> Iterator[Pcm]:
        for start in range(0, len(codes), size):
            yield self._tones[np.frombuffer(codes[start : start + size], np.uint8)].reshape(-1)

    def _slowly(self, codes: bytes, pause: float) -> Iterator[Pcm]:
        for code in range(len(codes)):
            time.sleep(pause)
            yield from self._blocks(codes[code : code + 1])


def _codes(text: str) -> bytes:
    try:
        codes = text.encode()
    except UnicodeEncodeError as surrogate:
        raise UnsupportedText("The text holds a lone surrogate, which is no character.") from surrogate
    if not codes:
        raise UnsupportedText("The text is empty.")
    return codes


def _marks(text: str) -> Iterator[Mark]:
    """Of each character."""
    said = 0
    # bytes
    for place, character in enumerate(text):
        begun, said = said, said + len(character.encode())
        yield Mark(place, place + 1, begun * BYTE_SAMPLES / RATE, said * BYTE_SAMPLES / RATE)


def _tones() -> Pcm:
    """Each byte's tone: int16, shape (256, 960)."""
    hertz = LOWEST_HZ + STEP_HZ * np.arange(BYTES)
    turns = np.outer(hertz, np.arange(BYTE_SAMPLES)) / RATE
    return np.rint(AMPLITUDE * FULL_SCALE * np.sin(2 * np.pi * turns)).astype(np.int16)


def _fail() -> NoReturn:
    raise EngineFailed


def _hang() -> Iterator[Pcm]:
    while True:
        time.sleep(HANG_STEP)
        yield np.empty(0, np.int16)


def _die() -> Iterator[Pcm]:
    os.kill(os.getpid(), signal.SIGKILL)
    return iter(())


_MISBEHAVIOURS = {FAILS_HALF_WAY: _fail, HANGS_HALF_WAY: _hang, DIES_HALF_WAY: _die}
