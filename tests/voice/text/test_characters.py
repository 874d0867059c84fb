from __future__ import annotations

import unicodedata

import pytest

from voice.text.characters import LONGEST_MARKS, composed, forbidden_character, speakable


@pytest.mark.parametrize("text", ["a", "  7 ", "...é", "٣", "Ⅷ", "你", "ก", "😀 ok", "²"])
def test_a_letter_or_a_digit_can_be_spoken(text):
    assert speakable(text)


@pytest.mark.parametrize("text", ["", " \n\t", "?!...", "—", "😀🎉", "👍🏽", "\u0301\u0302", "\u200b\u202e", "$ + €", "_"])
def test_anything_else_can_not(text):
    assert not speakable(text)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("a\x00b", "U+0000"),
        ("\x07", "U+0007"),
        ("a\x0b", "U+000B"),
        ("\x1b[31m", "U+001B"),
        ("\x7f", "U+007F"),
        ("\x85", "U+0085"),
        ("\x9f", "U+009F"),
        ("ok \ud800", "U+D800"),
        ("\udfff", "U+DFFF"),
        ("\ufffe", "U+FFFE"),
        ("\uffff", "U+FFFF"),
    ],
)
def test_a_character_without_a_place_in_text_is_named(text, named):
    assert forbidden_character(text) == named


@pytest.mark.parametrize("text", ["", "plain", "a\tb\nc\r\n", "é你😀", "\u202e\u200b\U000e0041", "\u00a0", "\ufffd", "\U0010ffff"])
def test_all_others_are_fine(text):
    assert forbidden_character(text) is None


def test_composing_is_nfc():
    text = "Cafe\u0301 A\u030a \u1112\u1161\u11ab क्षि ﷺ"

    assert composed(text) == unicodedata.normalize("NFC", text)


def test_runs_of_marks_are_cut_before_they_get_slow():
    text = "a" + "\u0301\u0316" * 50_000 + "b"

    assert len(composed(text)) <= LONGEST_MARKS + 2
    assert composed(text)[-1] == "b"
