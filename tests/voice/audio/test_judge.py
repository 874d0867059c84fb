"""What a sample of a voice must be. The speech is Flite's: two men and a woman, told apart by their pitch."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from config.errors import Refusal
from tests.voice.audio.files import encoded, opened
from tests.voice.audio.sounds import noise, sine
from voice.audio.decode import decode
from voice.audio.judge import Measures, judge, measure
from voice.audio.pcm import RATE, Resampler
from voice.engines.base import Utterance
from voice.engines.flite import Flite

TEXTS = (
    "The birch canoe slid on the smooth planks. Glue the sheet to the dark blue background. It is easy to tell the depth of a well.",
    "These days a chicken leg is a rare dish. Rice is often served in round bowls. The juice of lemons makes fine punch.",
)
WOMAN, MAN, SCOT = "slt", "rms", "awb"


@pytest.fixture(scope="module")
def spoken():
    """Seven seconds of speech: by whom, and which of the texts."""
    flite, kept = Flite(), {}

    def speak(speaker: str, text: int = 0):
        if (speaker, text) not in kept:
            resampler = Resampler(16_000)
            blocks = [resampler.push(block) for block in flite.synthesize(Utterance(TEXTS[text], speaker, "en-us"))]
            kept[speaker, text] = np.concatenate([*blocks, resampler.flush()])
        return kept[speaker, text]

    return speak


def limited(samples):
    return np.clip(np.rint(samples), -32_768, 32_767).astype(np.int16)


def louder(pcm, decibels):
    return limited(pcm * 10 ** (decibels / 20))


def overdriven(pcm, decibels):
    """So much beyond what fits."""
    return limited(pcm / np.abs(pcm.astype(float)).max() * 32_767 * 10 ** (decibels / 20))


def with_noise(pcm, decibels_below):
    level = np.sqrt((pcm.astype(float) ** 2).mean())
    hiss = noise(1_000 * pcm.size / RATE, spread=level / 2 * 10 ** (-decibels_below / 20))
    return limited(pcm / 2 + hiss[: pcm.size])


def refused(pcm) -> Refusal:
    with pytest.raises(Refusal) as caught:
        judge(measure(pcm))
    assert (caught.value.status, caught.value.param) == (400, "file")
    return caught.value


@pytest.mark.parametrize("speaker", [WOMAN, MAN, SCOT, "kal"])
@pytest.mark.parametrize("text", [0, 1])
def test_plain_speech_will_do(spoken, speaker, text):
    sample = measure(spoken(speaker, text))

    judge(sample)

    assert len(sample.pitches) == 1


def test_what_was_measured_is_told(spoken):
    sample = measure(spoken(WOMAN))

    assert sample.seconds == pytest.approx(6.95, abs=0.1)
    assert 3 < sample.voiced_seconds < 6
    assert sample.speech_db == pytest.approx(-15, abs=2)
    assert sample.speech_db - sample.noise_db > 30
    assert sample.pitches == [pytest.approx(166, abs=8)]


def test_it_is_still_good_behind_an_mp3_softer_and_with_a_little_noise(spoken):
    with opened(encoded(with_noise(louder(spoken(WOMAN), -15), 25), "mp3")) as file:
        judge(measure(decode(file, "mp3", longest=30)))


def test_less_than_three_seconds_are_too_short(spoken):
    assert refused(spoken(WOMAN)[: 2 * RATE]).code == "sample_too_short"
    judge(measure(spoken(WOMAN)[: 3 * RATE]))


def test_what_is_hardly_there_is_too_quiet(spoken):
    assert refused(louder(spoken(WOMAN), -35)).code == "sample_too_quiet"


@pytest.mark.parametrize("speaker", [WOMAN, MAN, SCOT])
def test_cut_off_peaks_are_heard_also_behind_an_mp3_and_when_turned_down(spoken, speaker):
    clipped = overdriven(spoken(speaker), 6)
    with opened(encoded(overdriven(spoken(speaker), 9), "mp3")) as file:
        behind = decode(file, "mp3", longest=30)

    assert {refused(pcm).code for pcm in (clipped, behind, louder(clipped, -6))} == {"sample_clipped"}
    judge(measure(overdriven(spoken(speaker), 0)))


@pytest.mark.parametrize("speaker", [WOMAN, MAN, SCOT])
def test_noise_is_told_from_speech(spoken, speaker):
    refusal = refused(with_noise(spoken(speaker), 8))

    assert refusal.code == "sample_noisy"
    assert "quiet room" in refusal.message
    judge(measure(with_noise(spoken(speaker), 18)))


@pytest.mark.parametrize("pcm", [sine(5_000), noise(5_000), sine(5_000, 100)], ids=["a tone", "noise", "hum"])
def test_what_is_no_speech_is_refused(pcm):
    assert refused(pcm).code in {"sample_noisy", "sample_clipped"}


def test_a_few_clicks_are_no_speech():
    clicks = np.zeros(5 * RATE, np.int16)
    clicks[:: RATE // 2] = 20_000

    assert "Hardly any speech" in refused(clicks).message


@pytest.mark.parametrize("others", [[MAN, "kal"], [MAN], ["kal"]])
def test_a_man_after_a_woman_is_another_speaker(spoken, others):
    for other in others:
        refusal = refused(np.concatenate([spoken(WOMAN, 0), spoken(other, 1)]))

        assert refusal.code == "sample_several_speakers"
        assert "Record one person alone" in refusal.message


def test_the_same_speaker_twice_is_one(spoken):
    for speaker in (WOMAN, MAN, SCOT, "kal"):
        judge(measure(np.concatenate([spoken(speaker, 0), spoken(speaker, 1)])))


def test_everything_that_is_wrong_is_said_at_once(spoken):
    refusal = refused(louder(spoken(WOMAN)[: 2 * RATE], -35))

    assert refusal.code == "sample_too_short"
    assert "too quiet" in refusal.message


def test_the_limits_are_where_they_are_said_to_be():
    good = Measures(seconds=3, voiced_seconds=1, speech_db=-45, noise_db=-57, peak_db=-1, clipped_share=0.003, pitches=[100])

    judge(good)

    beyond: dict[str, Any] = {"seconds": 2.99, "voiced_seconds": 0.98, "speech_db": -45.1, "noise_db": -56.9, "clipped_share": 0.0031}
    for name, value in beyond.items():
        with pytest.raises(Refusal):
            judge(replace(good, **{name: value}))


@pytest.mark.parametrize("size", [1, 100, 480, 1_201])
def test_the_shortest_of_sounds_are_measured(size):
    assert measure(sine(1_000)[100 : 100 + size] + np.arange(size, dtype=np.int16)).seconds == round(size / RATE, 2)
