from __future__ import annotations

import pytest

from voice.text import Dictionary, Entry

ENTRIES = Dictionary(
    [
        Entry("New York", "a"),
        Entry("New", "b"),
        Entry("C++", "c"),
        Entry("polish", "d"),
        Entry("Polish", "e", case_sensitive=True),
        Entry(".NET", "f"),
        Entry("Straße", "g"),
        Entry("राम", "h"),
    ]
)


def found(text):
    return [(text[start:end], entry.respelling) for start, end, entry in ENTRIES.find(text)]


@pytest.mark.parametrize(
    ("text", "entries"),
    [
        ("new YORK and New Yorkers", [("new YORK", "a"), ("New", "b")]),
        ("renew, newer, new_york", []),
        ("C++, c++17 and C+", [("C++", "c"), ("c++", "c")]),
        ("Polish polish POLISH", [("Polish", "e"), ("polish", "d"), ("POLISH", "d")]),
        ("in .NET or ASP.NET", [(".NET", "f"), (".NET", "f")]),
        ("(new) “New”-new", [("new", "b"), ("New", "b"), ("new", "b")]),
        ("die straße", [("straße", "g")]),
        ("रामायण, राम।", [("राम", "h")]),
        ("", []),
    ],
)
def test_whole_words_are_found_the_longest_first(text, entries):
    assert found(text) == entries


def test_an_empty_one_finds_nothing():
    assert list(Dictionary().find("anything")) == []
