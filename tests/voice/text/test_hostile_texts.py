"""Texts that make careless code slow are read to their end. `python -m benchmarks hostile` measures what they cost."""

from __future__ import annotations

import pytest

from tests.voice.text.hostile import FIGURES, MARKUP, repeat
from voice.text import Dictionary, Entry, forbidden_character, normalise, plan, speakable, verbalise
from voice.text.sentences import LONGEST

SIZE = 3_000
DICTIONARY = Dictionary([Entry(f"x {'y ' * (number % 40)}{number}", "z") for number in range(1000)])


@pytest.mark.parametrize("pattern", MARKUP, ids=ascii)
def test_no_piece_of_a_hostile_text_is_too_long(pattern):
    text = repeat(pattern, SIZE)

    speakable(text)
    forbidden_character(text)
    pieces = plan(normalise(text), "en") + plan(text, "zh")

    assert all(len(piece.text) <= LONGEST for piece in pieces)


@pytest.mark.parametrize("pattern", FIGURES, ids=ascii)
@pytest.mark.parametrize("language", ["en-us", "fr"])
def test_hostile_figures_are_read(language, pattern):
    text = repeat(pattern, SIZE)

    spoken = verbalise(text, language, dictionary=DICTIONARY)

    assert isinstance(spoken.text, str)


@pytest.mark.parametrize("closing", ["**", ")", "](", "`", '"'])
def test_many_openings_before_one_close_are_no_trap(closing):
    text = repeat("[a **b `c _d (e ", SIZE) + closing

    assert plan(normalise(text), "en")
