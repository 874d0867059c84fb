"""What an engine tells of an utterance, as times of the words that its text was written in."""

from __future__ import annotations

import random

import pytest

from tests.voice.engines.nasty import TEXTS
from voice.audio.pcm import Place
from voice.engines.base import Mark
from voice.text import Dictionary, Entry, Spoken, forbidden_character, normalise, plan, verbalise
from voice.timing import Clock, Timestamps, spans

RATE = 24_000
EVERYTHING = ("sentence", "word")
ALLOWED = [text for text in TEXTS if forbidden_character(text) is None]


def marks_of(text: str, seconds: float = 0.5) -> list[Mark]:
    """Each word of a text at its own time, one after the other."""
    marks: list[Mark] = []
    at = 0
    for number, word in enumerate(text.split()):
        at = text.index(word, at)
        marks.append(Mark(at, at + len(word), number * seconds, (number + 1) * seconds))
        at += len(word)
    return marks


def heard(clock: Clock, spoken: Spoken, place: Place) -> None:
    assert clock.mark is not None
    for mark in marks_of(spoken.text):
        clock.mark(mark)
    clock.piece(spoken, place)


def test_a_number_lasts_as_long_as_its_words():
    spoken = verbalise("It costs $5.", "en")
    assert spoken.text == "It costs five dollars."

    assert list(spans(spoken, marks_of(spoken.text))) == [("It", 0.0, 0.5), ("costs", 0.5, 1.0), ("$5", 1.0, 2.0)]


def test_a_respelt_word_is_told_as_it_is_written():
    words = Dictionary([Entry("SQL", respelling="sequel"), Entry("nginx", respelling="engine ex")])
    spoken = verbalise("SQL and nginx.", "en", dictionary=words)

    assert list(spans(spoken, marks_of(spoken.text))) == [("SQL", 0.0, 0.5), ("and", 0.5, 1.0), ("nginx", 1.0, 2.0)]


def test_words_that_an_engine_told_together_share_the_time_by_their_letters():
    spoken = verbalise("out of the way", "en")

    told = list(spans(spoken, [Mark(0, 4, 0.0, 1.0), Mark(4, 11, 1.0, 1.6), Mark(11, 14, 1.6, 2.0)]))

    assert told == [
        ("out", 0.0, 1.0),
        ("of", 1.0, pytest.approx(1.2)),
        ("the", pytest.approx(1.3), pytest.approx(1.6)),
        ("way", 1.6, 2.0),
    ]


def test_what_stands_around_a_word_takes_none_of_its_time():
    spoken = verbalise("“Yes”, (really)!", "en", normalize=False)

    assert list(spans(spoken, [Mark(0, 7, 0.0, 1.0), Mark(7, 16, 1.0, 2.0)])) == [("Yes", 0.0, 1.0), ("really", 1.0, 2.0)]


def test_a_word_of_which_nothing_was_told_takes_no_time():
    spoken = verbalise("one 二 three", "en", normalize=False)

    assert list(spans(spoken, [Mark(0, 3, 0.2, 1.0), Mark(6, 11, 1.0, 2.0)])) == [
        ("one", 0.2, 1.0),
        ("二", 1.0, 1.0),
        ("three", 1.0, 2.0),
    ]


def test_times_are_those_of_the_stream():
    clock = Clock("One two. Three.", EVERYTHING)
    first, second = plan("One two. Three.", "en")
    # 0.2 s were trimmed in front of it
    heard(clock, verbalise(first.text, "en"), Place(-4_800, 0, 19_200))
    clock.sentence(first)
    heard(clock, verbalise(second.text, "en"), Place(24_000, 24_000, 33_600))
    clock.sentence(second)

    told = Timestamps.unpacked(clock.told()).shown(EVERYTHING)

    assert told == {
        "words": [
            {"word": "One", "start": 0.0, "end": 0.3},
            {"word": "two", "start": 0.3, "end": 0.8},
            {"word": "Three", "start": 1.0, "end": 1.4},
        ],
        "sentences": [{"text": "One two.", "start": 0.0, "end": 0.8}, {"text": "Three.", "start": 1.0, "end": 1.4}],
    }


def test_a_sentence_that_was_parted_to_begin_sooner_is_told_whole():
    text = (
        "When the long evening came at last and all of the lamps were lit, they sat down; and then they began to tell their stories again."
    )
    pieces = plan(text, "en")
    assert len(pieces) == 2
    clock = Clock(text, ("sentence",))
    for number, sentence in enumerate(pieces):
        heard(clock, verbalise(sentence.text, "en"), Place(number * RATE, number * RATE, (number + 1) * RATE))
        clock.sentence(sentence)

    told = Timestamps.unpacked(clock.told())

    assert [(one.text, one.start, one.end) for one in told.sentences] == [(text, 0.0, 2.0)]
    assert told.words == ()


def test_a_sentence_without_end_is_told_in_parts():
    text = " ".join(["word"] * 400) + "."
    clock = Clock(text, ("sentence",))
    for sentence in plan(text, "en"):
        clock.piece(verbalise(sentence.text, "en"), Place(0, 0, RATE))
        clock.sentence(sentence)

    told = [one.text for one in Timestamps.unpacked(clock.told()).sentences]

    assert " ".join(told) == text
    assert max(map(len, told)) <= 300


def test_nothing_is_told_that_was_not_asked_for():
    clock = Clock("Yes.", ())
    (sentence,) = plan("Yes.", "en")
    clock.piece(verbalise(sentence.text, "en"), Place(0, 0, RATE))
    clock.sentence(sentence)

    assert clock.mark is None
    assert clock.told() == b""


@pytest.mark.parametrize("text", [*ALLOWED, "\n\n".join(ALLOWED), "  ".join(ALLOWED)])
def test_every_sentence_of_any_text_is_found_in_it(text: str):
    clock = Clock(normalise(text), EVERYTHING)
    for number, sentence in enumerate(plan(normalise(text), "en")):
        heard(clock, verbalise(sentence.text, "en"), Place(number * RATE, number * RATE, (number + 1) * RATE))
        clock.sentence(sentence)

    told = Timestamps.unpacked(clock.told())

    edges = [edge for word in told.words for edge in (word.start, word.end)]
    assert edges == sorted(edges)
    assert all(one.text in normalise(text) for one in told.sentences)


def test_what_is_kept_is_small():
    chosen = random.Random(0)
    text = " ".join(chosen.choice(["a", "lamp", "evening", "stories"]) for _ in range(20_000))
    clock = Clock(text, EVERYTHING)
    for sentence in plan(text, "en"):
        heard(clock, verbalise(sentence.text, "en"), Place(0, 0, 3_600 * RATE))
        clock.sentence(sentence)

    assert len(clock.told()) < 30 * 20_000 + len(text)
