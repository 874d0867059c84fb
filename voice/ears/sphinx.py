"""CMU PocketSphinx: English, offline, without a download: its model is in its wheel. It is weak where people speak freely."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import ClassVar

import numpy as np
import soxr

from voice.audio.pcm import RATE
from voice.ears.base import Pauses, Segment, Transcriber, Transcript, Wanted, Word, mean
from voice.ears.pauses import above_the_room, loudness, stretches
from voice.ears.sphinx_process import SphinxProcess
from voice.ears.sphinx_program import HEARD_RATE
from voice.engines.base import EngineBusy, EngineUnavailable, Pcm

LANGUAGE = "en"
LONGEST = 20.0
# seconds that are understood at once
SILENCE = 0.5
# seconds of a pause that parts two segments
PADDING = 0.3
STRICTEST = 3
# of the detector's modes, from 0
MODE = 2
MOST = 8
# processes; each takes some 110 MiB
PATIENCE = 60.0
# seconds to wait for one of them
SPARE = 2
# processes that are kept for whoever comes next: to load the model takes longer than to understand a short sentence


class Sphinx(Transcriber):
    name: ClassVar[str] = "pocketsphinx"
    languages: ClassVar[tuple[str, ...]] = (LANGUAGE,)
    translates: ClassVar[bool] = False

    def __init__(self, *, most: int = MOST, patience: float = PATIENCE) -> None:
        try:
            from pocketsphinx import Vad
        except ImportError as error:
            raise EngineUnavailable("PocketSphinx is not installed: pip install pocketsphinx") from error
        self._detector = Vad
        self._patience = patience
        self._places = threading.BoundedSemaphore(most)
        self._idle: list[SphinxProcess] = []
        self._lock = threading.Lock()

    def transcribe(self, pcm: Pcm, wanted: Wanted, *, check: Callable[[], None]) -> Transcript:
        """Words in lower case, without punctuation. It follows no prompt and no keywords."""
        return Transcript(LANGUAGE, self._segments(pcm, wanted, check))

    def take(self) -> SphinxProcess:
        """A process for one caller, who gives it back. EngineBusy when there is none in time."""
        if not self._places.acquire(timeout=self._patience):
            raise EngineBusy
        try:
            with self._lock:
                while self._idle:
                    if (process := self._idle.pop()).alive:
                        return process
            return SphinxProcess()
        except BaseException:
            self._places.release()
            raise

    def give_back(self, process: SphinxProcess, *, usable: bool) -> None:
        with self._lock:
            kept = usable and len(self._idle) < SPARE
            if kept:
                self._idle.append(process)
        if not kept:
            process.kill()
        self._places.release()

    def _segments(self, pcm: Pcm, wanted: Wanted, check: Callable[[], None]) -> Generator[Segment, None, None]:
        heard = soxr.resample(pcm, RATE, HEARD_RATE).astype(np.int16, copy=False)
        spoken = list(self._stretches(heard, wanted.pauses))
        if not spoken:
            return
        with self._lent() as process:
            for start, end in spoken:
                piece = heard[round(start * HEARD_RATE) : round(end * HEARD_RATE)]
                yield from segments(process.hear(_bytes(piece), check=check), start)

    def _stretches(self, pcm: Pcm, pauses: Pauses) -> Iterator[tuple[float, float]]:
        mode = MODE if pauses.threshold is None else round(pauses.threshold * STRICTEST)
        detector = self._detector(mode, HEARD_RATE)
        size = detector.frame_bytes // pcm.itemsize
        loud, data = loudness(pcm, size), _bytes(pcm)
        step = detector.frame_bytes
        said = [detector.is_speech(data[at : at + step]) for at in range(0, loud.size * step, step)]
        yield from stretches(
            np.array(said, np.bool_) & above_the_room(loud, size / HEARD_RATE),
            loud,
            frame=size / HEARD_RATE,
            silence=SILENCE if pauses.silence is None else pauses.silence,
            padding=PADDING if pauses.padding is None else pauses.padding,
            longest=LONGEST,
        )

    @contextmanager
    def _lent(self) -> Iterator[SphinxProcess]:
        """A process. One that is left before it has answered is of no use to anyone else."""
        process, usable = self.take(), False
        try:
            yield process
            usable = True
        finally:
            self.give_back(process, usable=usable)


def segments(words: list[Word], at: float) -> Iterator[Segment]:
    """The words of an utterance that begins there, as one segment; none where there are no words."""
    if words:
        timed = tuple(Word(word.text, round(at + word.start, 3), round(at + word.end, 3), word.confidence) for word in words)
        yield Segment(
            text=" ".join(word.text for word in timed),
            start=timed[0].start,
            end=timed[-1].end,
            words=timed,
            confidence=mean([word.confidence for word in timed]),
        )


def _bytes(pcm: Pcm) -> bytes:
    return pcm.astype("<i2", copy=False).tobytes()
