"""PocketSphinx: what it hears in recordings, and while somebody speaks."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import numpy as np
import pytest

from tests.voice.audio.sounds import noise, sine
from tests.voice.recordings import spoken
from voice.audio.pcm import RATE
from voice.ears.base import EarFailed, Pauses, Segment, Wanted
from voice.ears.sphinx import Sphinx
from voice.engines.base import EngineBusy, Pcm

BROTHER = "My brother works in a large hospital."
WEATHER = "The weather is very nice today."
WAV_HEADER = 44
FRAME = RATE // 10


def said(text: str) -> Pcm:
    data = spoken(text)
    return np.frombuffer(data[WAV_HEADER : len(data) - len(data) % 2], "<i2")


def hush(seconds: float) -> Pcm:
    return np.zeros(round(seconds * RATE), np.int16)


def nothing() -> None:
    """Nobody stops it."""


@pytest.fixture(scope="module")
def ear() -> Iterator[Sphinx]:
    ear = Sphinx(most=1, patience=0.2)
    yield ear
    for process in ear._idle:
        process.kill()


def heard(ear: Sphinx, pcm: Pcm, **wanted) -> list[Segment]:
    return list(ear.transcribe(pcm, Wanted(**wanted), check=nothing).segments)


def test_a_pause_parts_two_segments_and_each_word_has_its_time(ear):
    pcm = np.concatenate([hush(2), said(BROTHER), hush(2), said(WEATHER), hush(1)])

    first, second = heard(ear, pcm)

    assert {"brother", "works", "hospital"} <= set(first.text.split())
    assert {"weather", "today"} <= set(second.text.split())
    begins = 4 + len(said(BROTHER)) / RATE
    assert first.start == pytest.approx(2.2, abs=0.2)
    assert second.start == pytest.approx(begins + 0.2, abs=0.2)
    assert [word.text for word in first.words] == first.text.split()
    for segment in (first, second):
        times = [time for word in segment.words for time in (word.start, word.end)]
        assert times == sorted(times)
        assert (segment.start, segment.end) == (times[0], times[-1])
        assert 0 < segment.confidence <= 1


def test_the_pause_that_parts_is_as_long_as_was_asked_for(ear):
    pcm = np.concatenate([said(BROTHER), hush(2), said(WEATHER)])

    assert len(heard(ear, pcm, pauses=Pauses(silence=4.0, threshold=0.5, padding=0.2))) == 1


@pytest.mark.parametrize("pcm", [hush(3), noise(3000), noise(3000, spread=60), sine(3000), hush(0), hush(0.001)])
def test_where_nobody_speaks_nothing_is_said(ear, pcm):
    assert heard(ear, pcm) == []


def test_a_process_is_kept_for_the_next_and_there_are_no_more_than_were_allowed(ear):
    taken = ear.take()
    with pytest.raises(EngineBusy):
        heard(ear, said(WEATHER))

    ear.give_back(taken, usable=True)
    heard(ear, said(WEATHER))

    assert ear._idle == [taken]


def test_a_process_that_dies_is_told_and_the_next_recording_is_heard(ear):
    heard(ear, said(WEATHER))
    (process,) = ear._idle
    segments = ear.transcribe(np.concatenate([said(BROTHER), hush(2), said(WEATHER)]), Wanted(), check=nothing).segments
    next(segments)
    os.kill(process._process.pid, signal.SIGKILL)

    with pytest.raises(EarFailed):
        next(segments)

    assert heard(ear, said(WEATHER))


def test_whoever_stops_half_way_leaves_no_process_that_still_listens(ear):
    def stop() -> None:
        raise KeyError

    with pytest.raises(KeyError):
        list(ear.transcribe(np.tile(said(BROTHER), 6), Wanted(), check=stop).segments)

    assert ear._idle == []
