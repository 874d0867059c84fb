"""Patterns that make careless code quadratic when a text repeats them. Tests read such texts, and a benchmark measures them."""

from __future__ import annotations

MARKUP = (
    "a.", "x", "(", '"', "'", "“a ", "A. ", ".", "Dr. ", "?!", "1. ", "1.", " ", "\n", "\t \n", "http://a.b", "(a ", "你好。", "你",
    "😀.", "😀 ", "... ", "[a. ", "a!", "a\n", "# a\n", "- a\n", "> ", "* ", "#", "*", "**a ", "_a ", "a* *b ", "`a``b```", "```\n",
    "[", "[](", "[a](b", '[a](. "', "<http://a", "aaaaa, ", "\u0301\u0316", "\u0e33", "क\u093e", "\u093e", "1. J. ", "ab. 1 ",
    "a, ", "\u200d", "1\u20e3", "|", "~~~", "The quick brown fox jumps over the lazy dog. ",
)  # fmt: skip
FIGURES = (
    "1", "1.", "1,", "1 ", "1 000 ", "0 12", "1-", "1–2", "+1 ", "$", "$1", "1/", "1:", "10:30 ", "a@", "@", "a.b", "a-", "www.", "(555) ",
    "& ", "3. ", "May 3 ", "2024-", "½", "~1", "e.g.", "z. B.", "Dr. ", "€", "1%", "™", "→", "/", "aa/", "1st ", "12.3.", "1.000.",
    "1,000,", "−", "a.b.c@", "1990s", "M€ ", "5 km ", "x y ", "😀",
)  # fmt: skip
STREAMED = (
    "[", "![", "`", "**a", "**", "[a](", "](", "(x", "a\u0301", "\u0301", "\n", " ", ". ", "a. ", "A.B.", "0", "- ", "今", "🇩🇪", "3. ",
)  # fmt: skip
SPOKEN = ("[", "++a", ".", "-'", "(. ", "?a.")


def repeat(pattern: str, size: int) -> str:
    """Return a text of `size` characters that repeats the pattern."""
    return (pattern * size)[:size]
