from __future__ import annotations

import random

import pytest

from tests.voice.text.hostile import STREAMED, repeat
from voice.realtime.pieces import FIRST_WORDS, LONGEST_AT_ONCE, Pieces
from voice.text import speakable
from voice.text.sentences import LONGEST

WORDS = (
    "the Quick brown, fox jumps; over — a dog! Dr. Smith? e.g. 3.14 at 10:30 p.m. (no) U.S. 你好。 是的，今日 ok… x\u0301y 👩🏽‍💻 🇩🇪🇫🇷 "
    "[a. b](https://a.b/c?d=e.f) **bold. Text** `x. Y` 1. \n \n\n ... ?! - * [ ]( ** ` नमस्ते। \ud83d v2.0.1 " + "w" * 700
).split(" ")

STORY = (
    "Once upon a time there was a fox who had lost her way in the woods. It was getting dark, and she was cold, but she walked on. "
    "At last, behind some hill, a light was to be seen!"
)


def cut(text: str, language: str = "en", *, size: int = 1) -> list[str]:
    """What becomes of a text that comes in parts of a size."""
    pieces = Pieces(language)
    found = [piece for start in range(0, len(text), size) for piece in pieces.push(text[start : start + size])]
    return found + pieces.flush()


def test_together_they_are_the_text_however_it_comes():
    chance = random.Random(5)
    for _ in range(40):
        text = " ".join(chance.choices(WORDS, k=chance.randint(0, 60)))
        for size in (1, 7, 5000):
            pieces = cut(text, chance.choice(["en", "zh", "de-AT", "tlh"]), size=size)

            assert "".join(pieces) == text
            assert all(len(piece) <= LONGEST or "[" in piece for piece in pieces)
            assert all(speakable(piece) or len(piece) > LONGEST // 4 for piece in pieces[:-1])


@pytest.mark.parametrize("size", [1, 4, 1000])
def test_the_first_is_short_and_the_others_are_sentences(size: int):
    first, *others = cut(STORY, size=size)

    assert first == "Once upon a time there was a fox who had lost her way in "
    assert others == [
        "the woods. ",
        "It was getting dark, and she was cold, but she walked on. ",
        "At last, behind some hill, a light was to be seen!",
    ]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("Yes! I can do that.", "Yes! "),
        ("Of course I can, if you tell me how.", "Of course I can, "),
        ("Well, that depends on it.", "Well, that depends on it."),
        ("今日は、いい天気ですね。", "今日は、"),
    ],
)
def test_the_first_ends_with_a_sentence_or_a_clause_that_is_no_scrap(text: str, first: str):
    assert cut(text)[0] == first


def test_behind_a_mere_word_the_next_is_early_too():
    text = "Sure! I can help you with that, if you like. There are two ways, and both are long."

    assert cut(text) == ["Sure! ", "I can help you with that, ", "if you like. ", "There are two ways, and both are long."]


def test_a_sentence_is_whole_when_the_next_begins_and_not_before():
    pieces = Pieces("en")

    assert pieces.push("I met Dr.") == []
    assert pieces.push(" Smith. ") == []
    assert pieces.push("(") == []
    assert pieces.push("W") == ["I met Dr. Smith. "]
    assert pieces.flush() == ["(W"]


def test_a_long_sentence_is_spoken_clause_by_clause_while_it_is_written():
    clause = "and then there was another one of those many things, "
    pieces = Pieces("en")
    pieces.push("He went out into the dark night. I")

    assert pieces.push(f" saw {clause * 2}") == []
    assert pieces.push(f"{clause}and") == [f"I saw {clause * 3}"]


def test_one_without_clauses_ends_behind_a_word():
    pieces = cut("He went out into the dark night. " + "word and word on 5 kg of 1 000 000 " * 40)

    assert all(LONGEST - 40 < len(piece) <= LONGEST for piece in pieces[1:-1])
    assert all(piece.endswith(("word ", "and ", "kg ")) for piece in pieces[1:-1])


@pytest.mark.parametrize(
    "whole",
    [
        "1 000 000 km", "for $3.14 now", "at 10:30 a.m.", "in the U.S. of", "e.g. this", "vol. 2", "Dr. J. R. Smith", "v2.0.1", "1,000.5",
        "[the docs, which are long. Read them; all of them](https://example.org/a,b?c=d.e) now", "[a](https://e.org/b_(c).html)",
        '[a](https://e.org "A title. Another")', "<https://example.org/a,b?c=d>", "**first, this. Then that**", "`a = b; c. D`",
        "👩🏽‍💻", "🇩🇪🇫🇷🇮🇹", "1️⃣", "e\u0301\u0323", "👨‍👩‍👧‍👦",
    ],
)  # fmt: skip
@pytest.mark.parametrize("before", ["", "Well, I have to say that ", "It is. Now, ", "and so on " * 28])
def test_what_belongs_together_stays_together(whole: str, before: str):
    text = f"{before}{whole} and so on. Then, " + "there is more to come " * 15

    for size in (1, 3, 5000):
        assert any(whole in piece for piece in cut(text, size=size)), cut(text, size=size)


@pytest.mark.parametrize(
    ("language", "sentences"),
    [
        ("de", ["Ja das kann ich dir doch gern sagen. ", "Das ist z. B. am 3. Mai der Fall. ", "Oder um 10.30 Uhr, bzw. später."]),
        ("fr-CA", ["Oui, je veux bien te raconter cela. ", "M. Dupont a dit : « Bonjour ! » ", "Puis il est parti."]),
        ("ru", ["Да, я с удовольствием расскажу об этом! ", "Он родился в 1990 г. в Москве. ", "Это т. е. пример."]),
        ("hi", ["हाँ, मैं आपको इसके बारे में बता सकता हूँ। ", "यह एक वाक्य है। ", "यह दूसरा है।"]),
        ("zh", ["你好。", "今天天气很好！", "你呢？"]),
        ("tlh", ["One here. ", "Two there."]),
    ],
)
def test_sentences_end_as_they_do_in_the_language(language: str, sentences: list[str]):
    for size in (1, 3, 1000):
        assert cut("".join(sentences), language, size=size) == sentences


def test_lines_are_pieces():
    text = "You need:\n\n- milk\n- two eggs\n\n1. Stir it.\n2. Bake it for 10 min.\nDone"

    assert cut(text) == ["You need:\n\n", "- milk\n", "- two eggs\n\n", "1. Stir it.\n", "2. Bake it for 10 min.\n", "Done"]


@pytest.mark.parametrize(
    ("text", "most"),
    [("w", LONGEST), ("word ", LONGEST), ("7", LONGEST), (". ", LONGEST), ("你", LONGEST // 3), ("[a](b", 2 * LONGEST_AT_ONCE)],
)
def test_no_more_is_held_than_a_piece(text: str, most: int):
    pieces = Pieces("en")
    held = 0

    for _ in range(4_000 // len(text)):
        held += len(text) - sum(map(len, pieces.push(text)))
        assert held <= most + len(text)


@pytest.mark.parametrize("pattern", STREAMED, ids=ascii)
def test_nothing_of_a_hostile_text_is_lost(pattern: str):
    text = repeat(pattern, 1_000)

    assert "".join(cut(text, size=30)) == "".join(cut(text, size=1_000)) == text


def test_the_first_words_are_given_as_soon_as_there_are_enough():
    pieces = Pieces("en")
    text = "this is a text that has no mark at all and goes on without ever coming to an end"

    given = next(size for size in range(1, len(text)) if pieces.push(text[size - 1]))

    assert given <= FIRST_WORDS[1] + 1
