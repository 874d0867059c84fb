from __future__ import annotations

import pytest

from voice.text import normalise


@pytest.mark.parametrize(
    "text",
    [
        "It was 10:30 a.m. on Jan. 5th, 2024-01-05, wasn't it?",
        "That's $3.14, 1,000 €, 50% off, -5 °C, 10–20 kg & more.",
        "See https://example.com/a_b_c?x=1*2&y=~z#top or mail me_too@example.co.uk.",
        "C# and C++ and snake_case_name and __init__ and v2.0.1.",
        "2*3*4 = 24, 2 * 3, 2**8, a*b, (a)*(b)*(c), f(*args, **kwargs).",
        "#hashtag, issue #1, rock `n' roll, 5 > 3, x < y, a | b, ~50.",
        "[sic] he [the king](she said) wrote list[0](1) and [1].",
        "What the f***! Prices* and terms* apply.",
        "*.py and *.js files",
        "-5 degrees",
        "F♯ and B♭, ① to ⑩, ©, ™, A → B",
        "“Stop!” he said — “now…”",
        "我们在10：30见面。",
        "می‌خواهم",
        "क्‍ष",
        "One paragraph.\n\nAnother paragraph.",
        "Roses are red,\nViolets are blue.",
        "1. First\n2. Second",
    ],
)
def test_plain_prose_stays_as_it_is(text):
    assert normalise(text) == text


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("**Note:** this is *very* ***important***.", "Note: this is very important."),
        ("an _italic_ word, a ~~gone~~ one", "an italic word, a gone one"),
        ("这是**重点**内容", "这是重点内容"),
        ("# Title\nText", "Title\n\nText"),
        ("### Title ###\nText", "Title\n\nText"),
        ("Title\n=====\nText", "Title\n\nText"),
        ("- one\n- two\n* three\n+ four\n• five", "one\n\ntwo\n\nthree\n\nfour\n\nfive"),
        ("- [ ] open\n- [x] done", "open\n\ndone"),
        ("- an item\n  that goes on", "an item that goes on"),
        ("> quoted\n> words", "quoted words"),
        ("above\n\n---\n\nbelow", "above\n\nbelow"),
        ("Use `code_here` now", "Use code_here now"),
        ("``a ` b``", "a ` b"),
        ("`*raw*`", "*raw*"),
        ("```python\nx = *a*\nprint(x)\n```\nafter", "x = *a*\nprint(x)\n\nafter"),
        ("read [the docs](https://example.com/a_(b)) now", "read the docs now"),
        ('read [the docs](/docs "A title") now', "read the docs now"),
        ("![a cat](cat.png)", "a cat"),
        ("true[2](https://example.com).", "true 2."),
        ("<https://example.com>", "https://example.com"),
        ("[**bold** link](http://a.b)", "bold link"),
    ],
)
def test_markdown_is_not_read_aloud(text, spoken):
    assert normalise(text) == spoken


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("Hello 😀 world", "Hello world"),
        ("Done ✅. Next", "Done. Next"),
        ("a😀b", "a b"),
        ("👍🏽 Yes 👨‍👩‍👧 ❤️", "Yes"),
        ("1️⃣ one", "1 one"),
        ("🇩🇪 Germany", "Germany"),
        ("😀", ""),
    ],
)
def test_emoji_are_not_read_aloud(text, spoken):
    assert normalise(text) == spoken


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("a\u202eb\u202c \u2066c\u2069", "ab c"),
        ("in\u200bvis\ufeffible so\u00adft", "invisible soft"),
        ("hi\U000e0068\U000e0069", "hi"),
        ("Cafe\u0301", "Café"),
        ("a \t b\u00a0\u2003c", "a b c"),
        ("  a  \r\n\r\n\r\n  b  ", "a\n\nb"),
        ("a\u2029b", "a\n\nb"),
        ("", ""),
        (" \n\n ", ""),
        ("***", ""),
    ],
)
def test_what_only_the_eye_or_no_one_sees_is_tidied(text, spoken):
    assert normalise(text) == spoken


def test_the_wrapping_of_an_editor_is_a_space():
    wrapped = "This line is long enough to be the wrapping of an\neditor, and this one goes on from there for as long\nAs it likes."

    assert normalise(wrapped) == wrapped.replace("\n", " ")


def test_what_came_out_stays_as_it_is(subtests):
    for text in ["# A\n- b\n- c\n\n1. d\n2. e\nf 😀 **g**", "Short line\nAnother", "x\n\n\n\ny `z`"]:
        with subtests.test(text):
            assert normalise(normalise(text)) == normalise(text)
