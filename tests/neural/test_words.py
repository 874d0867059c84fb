"""When a VITS says each word."""

from __future__ import annotations

import numpy as np
import pytest

from tests.neural.speaking import said
from voice.engines.base import Mark, Source
from voice.engines.coqui import Coqui
from voice.engines.coqui.words import marks

BLANK = "<BLNK>"


def filled(text: str) -> list[str]:
    """A text's letters as the published models read them."""
    return [BLANK, *(symbol for letter in text for symbol in (letter, BLANK))]


def test_each_word_has_the_time_of_its_tokens():
    found = list(marks("So, it is!", list("so, it is!"), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 5.5))

    assert [(mark.start, mark.end) for mark in found] == [(0, 3), (4, 6), (7, 10)]
    assert [edge for mark in found for edge in (mark.at, mark.until)] == pytest.approx([0, 0.3, 1, 2.1, 2.8, 4.5])


def test_what_the_model_puts_between_letters_belongs_to_the_word_beside_it():
    (first, second) = marks("I am", filled("i am"), [1.0] * 9, 9.0)

    assert (first.at, first.until, second.at, second.until) == (0.0, 3.0, 4.0, 9.0)


def test_phonemes_are_told_by_the_blanks_between_them():
    found = list(marks("hello world", list("həlˈoʊ wˈɜːld"), [1.0] * 13, 13.0))

    assert [(mark.start, mark.end, mark.at, mark.until) for mark in found] == [(0, 5, 0.0, 6.0), (6, 11, 7.0, 13.0)]


def test_words_that_were_joined_share_their_time():
    (whole,) = marks("out of the way", list("aʊt ʌvðə weɪ"), [1.0] * 12, 6.0)

    assert whole == Mark(0, 14, 0.0, 6.0)


@pytest.mark.parametrize(("text", "symbols"), [("", []), ("...", ["."] * 3), ("hi", [BLANK]), ("日本", [])])
def test_where_nothing_is_said_nothing_is_told(text: str, symbols: list[str]):
    assert list(marks(text, symbols, [1.0] * len(symbols), 1.0)) == []


@pytest.mark.parametrize("name", ["ana", "duo"])
def test_a_model_tells_the_words_of_what_it_says(engine: Coqui, request: pytest.FixtureRequest, name: str):
    source: Source = request.getfixturevalue(name)
    text = "The quick, brown fox -- it jumps!"
    told: list[Mark] = []

    pcm = np.concatenate(list(engine.synthesize(said(source, text, speaker="bo", mark=told.append))))

    assert [text[mark.start : mark.end] for mark in told] == ["The", "quick,", "brown", "fox", "it", "jumps!"]
    edges = [edge for mark in told for edge in (mark.at, mark.until)]
    assert edges == sorted(edges)
    assert edges[-1] <= len(pcm) / 22_050
    assert all(mark.until - mark.at > 0.01 for mark in told)


def test_only_a_vits_is_described_as_one_that_tells(engine: Coqui, ana: Source, xtts: Source, speedy: Source):
    assert [engine.describe(source.location).timed for source in (ana, xtts, speedy)] == [True, False, False]
