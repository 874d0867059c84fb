"""Markdown's decoration, which chat models put into everything, taken off so that it is not read aloud.

It is far more careful than CommonMark: a mark is only decoration where it can hardly be anything else, because a wrong removal changes
what is said, and a wrong keep at worst adds a word. All patterns run in linear time.
"""

from __future__ import annotations

import re
from typing import NamedTuple

FENCE = re.compile(r" {0,3}(?:`{3}|~{3})[^`~]*$")
RULE = re.compile(r" *(?:(?:\* *){3,}|(?:- *){3,}|(?:_ *){3,}|={3,} *)$")
NUMBERED = re.compile(r" *\d{1,3}[.)] ")
_QUOTE = re.compile(r"\A(?: *>(?: |$))+")
_HEADING = re.compile(r"\A {0,3}#{1,6} (?=.*[^# ])")
_HEADING_END = re.compile(r" #+ *$")
_BULLET = re.compile(r"\A *(?:[-*+] |[•‣▪●◦] ?)(?:\[[ xX]\] )?(?=\S)")

_LINK = re.compile(
    r"!?\[([^\[\]]*)\]"
    r"\((?=[^()\s]*(?:[/#:]|\.[A-Za-z]))[^()\[\]\s]*(?:\([^()\[\]\s]*\)[^()\[\]\s]*)*(?: \"[^\"\[\]]*\")?\)"
)
_AUTOLINK = re.compile(r"<((?:https?://|mailto:)[^<> ]*)>")
_CODE = re.compile(r"`+")
_EMPHASIS = re.compile(r"\*+|_+|~+")

_MARKERS = frozenset({"*", "**", "***", "_", "~~"})
_BEFORE_OPENING = frozenset(" \n([{\"'“‘«„¿¡/|—–-:*_~")
_NOT_AFTER_OPENING = frozenset(" \n)]},;:!?.")
_NOT_BEFORE_CLOSING = frozenset(" \n([{")
_AFTER_CLOSING = frozenset(" \n)]}\"'”’»“.,;:!?…/|—–-*_~")
_FIRST_CJK = "\u2e80"
# from here on, scripts are written without spaces, so that emphasis may stand between two letters


class _Mark(NamedTuple):
    text: str
    start: int
    end: int


def unquoted(line: str) -> str:
    """The line without the marks of a quotation."""
    return _QUOTE.sub("", line, count=1)


def heading(line: str) -> str | None:
    """The words of a heading; None where the line is none."""
    bare = _HEADING.sub("", line, count=1)
    return _HEADING_END.sub("", bare) if bare != line else None


def item(line: str) -> str | None:
    """The words of an item in a list without numbers; None where the line is none."""
    bare = _BULLET.sub("", line, count=1)
    return bare if bare != line else None


def inline(text: str) -> str:
    """A paragraph without the marks of links, code and emphasis; what stands in code is left alone."""
    text = _AUTOLINK.sub(r"\1", _LINK.sub(_link_text, text))
    plain: list[str] = []
    at = 0
    for opening, closing in _code_spans(text):
        plain += [_without_emphasis(text[at : opening.start]), text[opening.end : closing.start]]
        at = closing.end
    return "".join([*plain, _without_emphasis(text[at:])])


def _link_text(link: re.Match[str]) -> str:
    """Its text, apart from the word in front: "true[2](https://...)" is "true 2"."""
    before = link.string[link.start() - 1 : link.start()]
    return f" {link.group(1)}" if before.isascii() and before.isalnum() else link.group(1)


def _code_spans(text: str) -> list[tuple[_Mark, _Mark]]:
    """Pairs of backtick runs of equal length, from left to right, not nested."""
    runs = [_Mark(run.group(), *run.span()) for run in _CODE.finditer(text)]
    following: dict[str, int] = {}
    partners: list[int | None] = [None] * len(runs)
    for index in range(len(runs) - 1, -1, -1):
        partners[index] = following.get(runs[index].text)
        following[runs[index].text] = index
    spans: list[tuple[_Mark, _Mark]] = []
    index = 0
    while index < len(runs):
        partner = partners[index]
        if partner is None:
            index += 1
        else:
            spans.append((runs[index], runs[partner]))
            index = partner + 1
    return spans


def _without_emphasis(text: str) -> str:
    opened: dict[str, _Mark] = {}
    removed: list[_Mark] = []
    for match in _EMPHASIS.finditer(text):
        mark = _Mark(match.group(), *match.span())
        if mark.text not in _MARKERS:
            continue
        before, after = text[mark.start - 1 : mark.start] or " ", text[mark.end : mark.end + 1] or " "
        if mark.text in opened and _closes(before, after):
            removed += [opened.pop(mark.text), mark]
        elif _opens(before, after):
            opened[mark.text] = mark
    return _without(text, sorted(removed, key=lambda mark: mark.start))


def _opens(before: str, after: str) -> bool:
    return (before in _BEFORE_OPENING or before >= _FIRST_CJK) and after not in _NOT_AFTER_OPENING


def _closes(before: str, after: str) -> bool:
    return before not in _NOT_BEFORE_CLOSING and (after in _AFTER_CLOSING or after >= _FIRST_CJK)


def _without(text: str, marks: list[_Mark]) -> str:
    kept: list[str] = []
    at = 0
    for mark in marks:
        kept.append(text[at : mark.start])
        at = mark.end
    return "".join([*kept, text[at:]])
