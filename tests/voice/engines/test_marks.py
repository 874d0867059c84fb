"""What engines tell of when each word is said."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from tests.tones import read_tones
from tests.voice.engines.listening import loudness, rate_of
from voice.engines.base import Mark, Pcm, Synthesizer, Utterance
from voice.engines.espeak import Espeak
from voice.engines.flite import Flite
from voice.engines.tone import Tone
from voice.text import Pronunciation

US = "espeak-en-us"


def listened(engine: Synthesizer, text: str, speaker: str, *pronunciations: Pronunciation, speed: float = 1.0) -> tuple[Pcm, list[Mark]]:
    marks: list[Mark] = []
    utterance = Utterance(text, speaker, "en", speed, pronunciations=pronunciations, mark=marks.append)
    return np.concatenate(list(engine.synthesize(utterance))), marks


def written(text: str, marks: list[Mark]) -> list[str]:
    return [text[mark.start : mark.end].strip() for mark in marks]


def test_each_tone_is_told_of_its_character():
    pcm, marks = listened(Tone(), "aß€", "tone")

    assert [read_tones(pcm[round(mark.at * 24_000) : round(mark.until * 24_000)]) for mark in marks] == ["a", "ß", "€"]


@pytest.mark.parametrize("speed", [0.5, 1.0, 2.0])
def test_espeak_tells_its_words(espeak: Espeak, speed: float):
    text = "Füße, naïve: 日 one! Is it (really) there?"

    pcm, marks = listened(espeak, text, US, speed=speed)

    assert written(text, marks) == ["Füße,", "naïve:", "日", "one!", "Is", "it (", "really)", "there?"]
    heard_as_told(pcm, marks, rate=rate_of(espeak, US), shortest=0.06 / speed)


@pytest.mark.parametrize("speaker", ["slt", "rms", "awb", "kal"])
@pytest.mark.parametrize("speed", [0.5, 1.0, 2.0])
def test_flite_tells_what_stands_between_blanks(flite: Flite, speaker: str, speed: float):
    text = "Füße, “naïve”: 日 one! Is it (really) there — for 5 €, Zoë…"

    pcm, marks = listened(flite, text, speaker, speed=speed)

    assert written(text, marks) == ["Füße,", "“naïve”:", "one!", "Is", "it", "(really)", "there", "for", "5", "€", "Zoë…"]
    heard_as_told(pcm, marks, rate=rate_of(flite, speaker), shortest=0.06 / speed)


def heard_as_told(pcm: Pcm, marks: list[Mark], *, rate: int, shortest: float) -> None:
    """They come one after the other, and each is louder than the pauses of so many seconds or more."""
    edges = [edge for mark in marks for edge in (mark.at, mark.until)]
    assert edges == sorted(edges)
    assert edges[-1] < len(pcm) / rate + 0.2
    pauses = [(before.until, after.at) for before, after in itertools.pairwise(marks) if after.at - before.until > shortest]
    assert pauses
    thirds = [(begun + (ended - begun) / 3, ended - (ended - begun) / 3) for begun, ended in pauses]
    quiet = max(loudness(pcm[round(begun * rate) : round(ended * rate)]) for begun, ended in thirds)
    assert min(loudness(pcm[round(mark.at * rate) : round(mark.until * rate)]) for mark in marks) > 4 * quiet


def test_espeak_tells_a_word_of_named_sounds_where_it_is_written(espeak: Espeak):
    text = "Say tomato [[now]] or never."

    _, marks = listened(espeak, text, US, Pronunciation(4, 10, "təˈmɑːtoʊ"), Pronunciation(22, 27, "ˈnɛvɚ"))

    assert written(text, marks) == ["Say", "tomato [[", "now]]", "or", "never."]


def test_the_samples_are_the_same_whether_anybody_listens(flite: Flite):
    alone = np.concatenate(list(flite.synthesize(Utterance("Is it there?", "slt", "en"))))

    told, _ = listened(flite, "Is it there?", "slt")

    assert np.array_equal(alone, told)


def test_espeak_in_a_hurry_still_tells_them_in_order(espeak: Espeak):
    text = "Hello, world of the day and naive ones. It is a good thing to have."

    pcm, marks = listened(espeak, text, US, speed=4.0)

    assert [mark.start for mark in marks] == sorted({mark.start for mark in marks})
    assert all(mark.at <= mark.until for mark in marks)
    assert marks[-1].until == pytest.approx(len(pcm) / 22_050, abs=0.15)
