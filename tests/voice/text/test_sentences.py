from __future__ import annotations

import random
import unicodedata

import pytest

from voice.text import Sentence, normalise, plan, speakable
from voice.text.sentences import DENSITY, LONGEST, LONGEST_FIRST, SHORTEST_CLAUSE

WORDS = (
    'the Quick brown, fox jumps; over - a "lazy" dog! Dr. Smith? e.g. 3.14 at 10:30 p.m. (no) U.S. 你好。 是的， ok… x\u0301y — '
    "https://a.b/c?d=e.f v2.0.1 étè 1. J. \n \n\n ... ?! 😀 " + "w" * 700
).split(" ")


def texts_of(text, language="en"):
    return [sentence.text for sentence in plan(text, language)]


def heard(text):
    return [character for character in text if unicodedata.category(character)[0] in "LN"]


@pytest.mark.parametrize(
    ("language", "sentences"),
    [
        ("en", ["Dr. Smith arrived at 10:30 a.m. on Jan. 5th.", "He paid $3.14 for it."]),
        ("en-us", ["See www.example.com.", "It runs v2.0.1 now!", "Mail me@a.co.uk, e.g. today."]),
        ("EN-GB", ["Mr. J. R. Tolkien wrote it, i.e. the book, vol. 2, p. 55.", "No. 7 is out."]),
        ("en", ["The U.S. is big.", "I met her at 5 p.m.", "She was late."]),
        ("en", ['"Stop!" he said.', '"Why?" she asked.']),
        ("en", ["Visit https://example.com/a.b?c=d.e now.", "Really?!", "See vol. 2, ca. five."]),
        ("en", ["1. Wash the rice.", "2. Cook it."]),
        ("de", ["Das ist z. B. gut.", "Am 3. Mai kam Dr. Müller.", "Er kam um 10.30 Uhr an, bzw. später."]),
        ("fr", ["M. Dupont est arrivé.", "Il a dit : « Bonjour ! »", "Puis il est parti."]),
        ("es", ["¿Qué tal?", "¡Muy bien!", "El Sr. López llegó."]),
        ("en", ["It took approx. 5 days.", "Ms. Li saw Vol. A of it.", "Tel.: 555 0100."]),
        (
            "de",
            [
                "Das kostet 5 € inkl. Versand.",
                "Siehe Abb. Eins.",
                "Im Mai, 3.–5. Mai.",
                "Die 2. und 3. Liga spielt.",
                "Dann kam Eva geb. Meier.",
            ],
        ),
        (
            "de",
            ["Im 19. Jahrhundert war Ludwig XVIII. da, lt. Dipl.-Ing. Otto.", "Der 2. Weltkrieg endete am 2.", "Danach kam die 1. Wahl."],
        ),
        ("pl", ["W 2. klasie to 3. miejsce, zob. Nowak.", "Ma 5.", "Ona też."]),
        ("fr", ["Né en 50 av. J.-C. à Rome, c.-à-d. en Italie, dit le Dr. Roy.", "Il est mort."]),
        ("it", ["La Verdi S.p.A. ha detto di no alle pagg. 8 e 9.", "Va bene."]),
        ("nl", ["Mevr. de Vries betaalt 5 euro excl. BTW vandaag.", "Dan gaat mevr. Jansen, d.w.z. zij."]),
        ("pl", ["Spotkanie o godz. 15:00 to m.in. Adam.", "Koniec."]),
        ("ru", ["Это т. е. пример.", "Он родился в 1990 г. в Москве.", "Да!"]),
        ("hi", ["यह एक वाक्य है।", "यह दूसरा है।"]),
        ("ar", ["مرحبا.", "كيف حالك؟", "أنا بخير."]),
        ("tlh", ["One here.", "Two there."]),
        ("", ["One here.", "Two there."]),
    ],
)
def test_it_cuts_between_sentences_and_nowhere_else(language, sentences):
    assert texts_of(" ".join(sentences), language) == sentences


@pytest.mark.parametrize(
    ("language", "sentences"), [("zh", ["你好。", "今天天气很好！", "你呢？"]), ("ja", ["こんにちは。", "元気ですか？"])]
)
def test_it_cuts_where_no_space_is(language, sentences):
    assert texts_of("".join(sentences), language) == sentences


def test_paragraphs_and_lines_end_sentences():
    planned = plan("A title\n\nFirst. Second\nThird", "en")

    assert planned == [
        Sentence("A title", paragraph_end=True),
        Sentence("First."),
        Sentence("Second"),
        Sentence("Third", paragraph_end=True),
    ]


@pytest.mark.parametrize("text", ["", " \n\n ", "?!", "...\n\n—", "😀"])
def test_nothing_to_speak_is_no_sentence(text):
    assert plan(text, "en") == []


def test_what_can_not_be_spoken_is_no_piece():
    assert texts_of("Hello there.\n\n— — —\n\nGood bye.") == ["Hello there.", "Good bye."]


def test_a_long_first_sentence_begins_with_a_clause():
    text = "When the rain had stopped at last, we walked down to the river and looked for the boat that my father had left there."

    first, rest = plan(text, "en")

    assert first == Sentence("When the rain had stopped at last,", goes_on=True)
    assert rest == Sentence("we walked down to the river and looked for the boat that my father had left there.", paragraph_end=True)


@pytest.mark.parametrize(
    "text",
    [
        "Well, " + "this sentence has no other clause mark that may be used to begin with a short piece " * 2,
        "This sentence keeps on going without a mark to the very end of it and only there is one, as you " + "see, so.",
        "A short one, though it has a comma.",
    ],
)
def test_a_first_sentence_is_not_cut_into_scraps(text):
    first = plan(text, "en")[0]

    assert len(first.text) >= SHORTEST_CLAUSE
    assert first.text == text.strip() or first.text[-1] == ","


def test_only_the_first_sentence_is_hurried():
    long = "When the rain had stopped at last, we walked down to the river and looked for the boat that was left there by father."

    assert texts_of(f"Yes. {long}") == ["Yes.", long]


def test_a_very_long_sentence_is_cut_behind_clauses():
    text = "Start. " + ", ".join(["one more clause of many words"] * 40) + "."

    pieces = plan(text, "en")

    assert all(len(piece.text) <= LONGEST for piece in pieces)
    assert all(piece.goes_on and piece.text.endswith(",") for piece in pieces[1:-1])
    assert not pieces[-1].goes_on


def test_without_clauses_it_is_cut_at_spaces():
    pieces = texts_of("word " * 300)

    assert all(len(piece) <= LONGEST for piece in pieces)
    assert set(" ".join(pieces).split()) == {"word"}


def test_a_giant_word_is_cut_at_the_bound_but_not_inside_a_character():
    text = "a" + "e\u0302\u0323" * 400

    pieces = texts_of(text)

    assert "".join(pieces) == text
    assert all(len(piece) <= LONGEST for piece in pieces)
    assert not any(unicodedata.combining(piece[0]) for piece in pieces)


def test_dense_scripts_have_shorter_pieces():
    first, *others = texts_of("今天天气很好，我们去公园" * 40, "zh")

    assert len(first) <= LONGEST_FIRST // DENSITY
    assert all(len(piece) <= LONGEST // DENSITY for piece in others)


def test_numbers_and_times_are_whole_after_a_cut():
    text = "at 10:30 we had 1,000 and 10–20, "

    words = {word for piece in texts_of(text * 60) for word in piece.split()}

    assert words == set(text.split())


@pytest.mark.parametrize("seed", range(150))
def test_every_word_is_kept_in_its_order(seed):
    choose = random.Random(seed)
    text = " ".join(choose.choices(WORDS, k=choose.choice([1, 5, 60, 600])))
    language = choose.choice(["en", "de", "zh", "th", "xx"])

    for source in (text, normalise(text)):
        planned = plan(source, language)

        assert heard("".join(piece.text for piece in planned)) == heard(source)
        assert all(len(piece.text) <= LONGEST and speakable(piece.text) for piece in planned)
        assert all(piece.text == piece.text.strip() for piece in planned)
        assert not any(piece.goes_on and piece.paragraph_end for piece in planned)
        assert not planned or planned[-1].paragraph_end
