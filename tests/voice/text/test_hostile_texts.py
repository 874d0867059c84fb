"""Texts that make careless code quadratic. The limits are far above what was measured (150 ms) and far below what quadratic costs.

They are of processor time, which other work on the machine does not lengthen.
"""

from __future__ import annotations

import time

import pytest

from voice.text import Dictionary, Entry, forbidden_character, normalise, plan, speakable, verbalise
from voice.text.sentences import LONGEST

SIZE = 100_000
LIMIT_S = 3.0

PATTERNS = [
    "a.", "x", "(", '"', "'", "“a ", "A. ", ".", "Dr. ", "?!", "1. ", "1.", " ", "\n", "\t \n", "http://a.b", "(a ", "你好。", "你",
    "😀.", "😀 ", "... ", "[a. ", "a!", "a\n", "# a\n", "- a\n", "> ", "* ", "#", "*", "**a ", "_a ", "a* *b ", "`a``b```", "```\n",
    "[", "[](", "[a](b", '[a](. "', "<http://a", "aaaaa, ", "\u0301\u0316", "\u0e33", "क\u093e", "\u093e", "1. J. ", "ab. 1 ",
    "a, ", "\u200d", "1\u20e3", "|", "~~~", "The quick brown fox jumps over the lazy dog. ",
]  # fmt: skip


@pytest.mark.parametrize("pattern", PATTERNS, ids=ascii)
def test_it_is_done_soon(pattern):
    text = (pattern * SIZE)[:SIZE]
    started = time.process_time()

    speakable(text)
    forbidden_character(text)
    pieces = plan(normalise(text), "en") + plan(text, "zh")

    assert time.process_time() - started < LIMIT_S
    assert all(len(piece.text) <= LONGEST for piece in pieces)


FIGURES = [
    "1", "1.", "1,", "1 ", "1 000 ", "0 12", "1-", "1–2", "+1 ", "$", "$1", "1/", "1:", "10:30 ", "a@", "@", "a.b", "a-", "www.", "(555) ",
    "& ", "3. ", "May 3 ", "2024-", "½", "~1", "e.g.", "z. B.", "Dr. ", "€", "1%", "™", "→", "/", "aa/", "1st ", "12.3.", "1.000.",
    "1,000,", "−", "a.b.c@", "1990s", "M€ ", "5 km ", "x y ", "😀",
]  # fmt: skip
MANY = Dictionary([Entry(f"x {'y ' * (number % 40)}{number}", "z") for number in range(1000)])


@pytest.mark.parametrize("pattern", FIGURES, ids=ascii)
@pytest.mark.parametrize("language", ["en-us", "fr"])
def test_it_is_read_soon(language, pattern):
    text = (pattern * SIZE)[: SIZE // 2]
    verbalise("1", language)
    started = time.process_time()

    verbalise(text, language, dictionary=MANY)

    assert time.process_time() - started < LIMIT_S


@pytest.mark.parametrize("closing", ["**", ")", "](", "`", '"'])
def test_many_openings_before_one_close_are_no_trap(closing):
    text = ("[a **b `c _d (e " * SIZE)[:SIZE] + closing
    started = time.process_time()

    plan(normalise(text), "en")

    assert time.process_time() - started < LIMIT_S
