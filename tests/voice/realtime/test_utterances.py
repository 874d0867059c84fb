from __future__ import annotations

import pytest

from tests.voice.text.hostile import SPOKEN, repeat
from voice.realtime.utterances import Ending, ending, is_backchannel, words


@pytest.mark.parametrize("partial", [
    "Turn on the light.",
    "It is on!",
    "what is it made of",
    "where do you come from?",
    "Do you like it",
    "I saw it. how long was it",
    "Das ist gut.",
    "これは何ですか？",
    'He said "stop."',
])  # fmt: skip
def test_a_whole_sentence_or_question_is_finished(partial):
    assert ending(partial) is Ending.FINISHED


@pytest.mark.parametrize("partial", [
    "and",
    "I went there because",
    "I would like the",
    "Well, um",
    "first of all,",
    "I was going to.",
    "I thought...",
    "I thought…",
    "what do you think about the",
    "look at",
    "I want to order an [noise]",
])  # fmt: skip
def test_what_cannot_be_all_is_unfinished(partial):
    assert ending(partial) is Ending.UNFINISHED


@pytest.mark.parametrize("partial", ["", "   ", "hello", "I went there", "what", "how is", "[noise]", "...", "ich gehe und"])
def test_the_rest_is_unclear(partial):
    assert ending(partial) is Ending.UNCLEAR


@pytest.mark.parametrize(
    "partial", ["uh-huh", "Mhm.", "mm-hmm", "Yes, okay.", "I see", "okay, got it", "uh huh", "[laughter] yeah", "All right!"]
)
def test_who_only_listens_is_told_apart(partial):
    assert is_backchannel(partial)


@pytest.mark.parametrize("partial", ["no", "stop", "yes but", "okay what about tomorrow", "I see a problem", "wait"])
def test_who_wants_to_speak_is_told_apart(partial):
    assert not is_backchannel(partial)


def test_words_are_small_and_without_marks_and_noise():
    assert words("Don’t [cough] STOP, <sil> it's ++BREATH++ 5 (music) o'clock!") == ["don't", "stop", "it's", "5", "o'clock"]


@pytest.mark.parametrize(
    "text",
    [*(repeat(pattern, 5_000) for pattern in SPOKEN), "++.++w++. <(.>w) ((x)a. b) c."],
)
def test_hostile_texts_are_read(text):
    assert isinstance(ending(text), Ending)
    assert is_backchannel(text) in {True, False}
