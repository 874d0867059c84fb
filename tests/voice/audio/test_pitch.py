from __future__ import annotations

import numpy as np
import pytest

from tests.voice.audio.sounds import noise
from voice.audio.pcm import RATE
from voice.audio.pitch import STRETCH, pitch, speakers


def buzz(hz, ms=1_000):
    """As vocal cords do: many harmonics, the higher the weaker."""
    time = np.arange(round(ms * RATE / 1000)) / RATE
    return np.rint(sum(8_000 / n * np.sin(2 * np.pi * hz * n * time + n) for n in range(1, int(4_000 / hz)))).astype(np.int16)


def track(*voices, stretches=4):
    """The pitches of voices that speak one after the other."""
    return np.concatenate([np.full(stretches * STRETCH, float(hz)) for hz in voices])


@pytest.mark.parametrize("hz", [70, 100, 150, 220, 300, 390])
def test_the_pitch_of_a_voice_is_found(hz):
    found = pitch(buzz(hz))

    assert np.median(found) == pytest.approx(hz, rel=0.03)
    assert (np.abs(found / hz - 1) < 0.05).mean() > 0.95


def test_noise_and_silence_have_none():
    assert np.count_nonzero(pitch(noise(2_000))) < 5
    assert not pitch(np.zeros(RATE, np.int16)).any()


@pytest.mark.parametrize("size", [0, 1, 1_000])
def test_what_is_shorter_than_a_frame_has_none(size):
    assert pitch(np.ones(size, np.int16)).size == 0


@pytest.mark.parametrize(("low", "high"), [(100, 200), (110, 165), (90, 160), (120, 230)])
def test_two_voices_that_lie_apart_are_two(low, high):
    assert speakers(track(low, high)) == [pytest.approx(low, rel=0.01), pytest.approx(high, rel=0.01)]
    assert len(speakers(track(high, low, high))) == 2


@pytest.mark.parametrize(("one", "other"), [(100, 100), (100, 125), (180, 240)])
def test_two_that_lie_together_are_one(one, other):
    assert len(speakers(track(one, other))) == 1


def test_a_voice_that_glides_far_is_one():
    assert len(speakers(np.geomspace(90, 300, 1_000))) == 1


def test_a_voice_that_rises_and_falls_with_each_phrase_is_one():
    phrases = 150 * 2 ** (np.sin(np.arange(1_500) / 15) / 2)

    assert len(speakers(phrases)) == 1


def test_octaves_missed_here_and_there_are_no_voice():
    missed = track(200, stretches=20)
    missed[::4] /= 2

    assert len(speakers(missed)) == 1


def test_one_stretch_alone_is_no_voice():
    assert len(speakers(np.concatenate([track(100, stretches=10), track(220, stretches=1)]))) == 1


def test_what_is_too_short_to_tell_has_one_voice_or_none():
    assert speakers(np.zeros(50)) == []
    assert speakers(np.full(STRETCH - 1, 100.0)) == [100.0]
