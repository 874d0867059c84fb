"""Which characters may stand in a text, and which of them can be heard."""

from __future__ import annotations

import re
import unicodedata

_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
# NUL and the other C0 and C1 controls save tab, line feed and carriage return; lone surrogates; two code points that are no characters

_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e0fff]"
    "|(?<![\u0600-\u0dff])[\u200c\u200d]"
)
# soft hyphens, bidi controls, zero-width characters, variation selectors, tags. The joiners U+200C and U+200D are spelling in the
# Arabic and Indic scripts, and stay there.

LONGEST_MARKS = 30
"""Combining marks in a row that are kept. Unicode calls text within it stream-safe (UAX #15): longer runs occur in no language."""


def speakable(text: str) -> bool:
    """Whether it holds a letter or a digit: without one no voice has anything to say."""
    return any(unicodedata.category(character)[0] in "LN" for character in text)


def forbidden_character(text: str) -> str | None:
    """The first character that has no place in a text, as "U+0000"; None where all are fine."""
    found = _FORBIDDEN.search(text)
    return f"U+{ord(found.group()):04X}" if found else None


def composed(text: str) -> str:
    """The text in NFC, in linear time.

    Composing alone is quadratic in the length of a run of combining marks: 100,000 of them take Python 7 s. So runs are cut at
    LONGEST_MARKS first.
    """
    if text.isascii():
        return text
    kept: list[str] = []
    run = 0
    for character in text:
        run = run + 1 if unicodedata.combining(character) else 0
        if run <= LONGEST_MARKS:
            kept.append(character)
    return unicodedata.normalize("NFC", "".join(kept))


def without_invisible(text: str) -> str:
    """The text without characters that only steer its display, or carry hidden messages."""
    return text if text.isascii() else _INVISIBLE.sub("", text)
