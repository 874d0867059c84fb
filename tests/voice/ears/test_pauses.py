"""Where somebody speaks, by frames of a tenth of a second."""

from __future__ import annotations

import numpy as np
import pytest

from tests.voice.audio.sounds import noise, sine
from voice.ears.pauses import above_the_room, loudness, stretches

FRAME = 0.1


def spoken(marks: str, *, silence: float = 0.5, padding: float = 0.0, longest: float = 60.0, loud: list[float] | None = None):
    """The stretches of frames that are drawn: # is speech."""
    speaking = np.array([mark == "#" for mark in marks], np.bool_)
    quiet = np.array(loud if loud is not None else [0.0] * len(marks))
    found = stretches(speaking, quiet, frame=FRAME, silence=silence, padding=padding, longest=longest)
    return [(round(start / FRAME), round(end / FRAME)) for start, end in found]


def test_silence_has_no_stretches():
    assert spoken("") == spoken("..........") == []


def test_a_pause_parts_and_a_breath_does_not():
    assert spoken("..##..##......##..") == [(2, 8), (14, 16)]


def test_what_is_around_speech_belongs_to_it_but_never_to_two():
    assert spoken(".....##......##.....", padding=0.2) == [(3, 9), (11, 17)]
    assert spoken(".##......##.", padding=5.0) == [(0, 6), (6, 12)]


def test_what_is_too_long_is_parted_where_it_is_quietest():
    loud = [50.0] * 30
    loud[17] = 10.0

    assert spoken("#" * 30, longest=2.0, loud=loud) == [(0, 17), (17, 30)]


def test_what_hums_or_hisses_is_the_room_and_what_rises_above_it_is_not():
    frame = 240
    steady = np.concatenate([sine(3000), noise(3000)])
    burst = noise(3000, spread=100)
    burst[24_000:36_000] = noise(500, spread=3000)

    assert not above_the_room(loudness(steady[: 3 * 24_000], frame), 0.01).any()
    assert not above_the_room(loudness(steady[3 * 24_000 :], frame), 0.01).any()
    assert np.flatnonzero(above_the_room(loudness(burst, frame), 0.01)).tolist() == list(range(100, 150))


@pytest.mark.parametrize("size", [0, 1, 239])
def test_less_than_a_frame_is_nothing(size):
    loud = loudness(np.zeros(size, np.int16), 240)

    assert above_the_room(loud, 0.01).size == 0
