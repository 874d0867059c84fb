"""A text as it was sent, made into the text that is spoken: the same words, without what only the eye can use."""

from __future__ import annotations

import re

from voice.text import markdown
from voice.text.characters import composed, without_invisible

SHORTEST_WRAP = 50
"""Characters. A line break after a shorter line was put there by the writer, as in a poem or an address; after a longer one it may be
the wrapping of an editor, and counts as a space."""

_LINE_BREAK = re.compile("\r\n|[\r\u2028]")
_PARAGRAPH_BREAK = re.compile("\u2029")
_BLANKS = re.compile(r"[^\S\n]+")
_EMOJI_CHARACTER = (
    "[\u20e3\u231a\u231b\u23e9-\u23fa\u2600-\u266c\u2670-\u2775\u2794-\u27bf\u2b05-\u2b07\u2b1b\u2b1c\u2b50\u2b55\U0001f000-\U0001faff]"
)
# pictures only: the signs of music (U+266D-F) and the circled digits (U+2776-93) between them are read
_EMOJI_BETWEEN_WORDS = re.compile(rf"(?<=\w)(?: ?{_EMOJI_CHARACTER})+(?=\w)")
EMOJI = re.compile(rf" ?{_EMOJI_CHARACTER}(?: ?{_EMOJI_CHARACTER})*")


def normalise(text: str) -> str:
    """The words of the text in NFC, one space between them.

    Paragraphs, headings and the items of a list are parted by an empty line, the other line breaks that mean something by "\\n".
    Empty where nothing is left. Raises nothing; a character that `forbidden_character` names may stay in.
    """
    text = _PARAGRAPH_BREAK.sub("\n\n", _LINE_BREAK.sub("\n", without_invisible(composed(text))))
    text = _without_emoji(_BLANKS.sub(" ", text))
    return "\n\n".join(_paragraphs(text.split("\n")))


def _without_emoji(text: str) -> str:
    return text if text.isascii() else EMOJI.sub("", _EMOJI_BETWEEN_WORDS.sub(" ", text))


def _paragraphs(lines: list[str]) -> list[str]:
    paragraphs: list[str] = []
    open_lines: list[str] = []

    def close(*, code: bool = False) -> None:
        if not open_lines:
            return
        paragraph = "\n".join(filter(None, open_lines)) if code else _tidied(markdown.inline(_unwrapped(open_lines)))
        open_lines.clear()
        if paragraph:
            paragraphs.append(paragraph)

    in_code = False
    for line in map(markdown.unquoted, lines):
        if markdown.FENCE.match(line):
            close(code=in_code)
            in_code = not in_code
        elif in_code:
            open_lines.append(line.strip())
        elif not line.strip() or markdown.RULE.match(line):
            close()
        elif heading := markdown.heading(line):
            close()
            open_lines.append(heading.strip())
            close()
        elif item := markdown.item(line):
            close()
            open_lines.append(item.strip())
        else:
            open_lines.append(line.strip())
    close(code=in_code)
    return paragraphs


def _tidied(paragraph: str) -> str:
    """Without the blanks that marks leave behind when they go."""
    return "\n".join(filter(None, (" ".join(line.split()) for line in paragraph.split("\n"))))


def _unwrapped(lines: list[str]) -> str:
    """The lines of a paragraph, with spaces for the breaks that only kept them narrow."""
    joined: list[str] = []
    for index, line in enumerate(lines):
        if index:
            joined.append(" " if _wraps(lines[index - 1], line) else "\n")
        joined.append(line)
    return "".join(joined)


def _wraps(line: str, following: str) -> bool:
    return (len(line) >= SHORTEST_WRAP or following[:1].islower()) and not markdown.NUMBERED.match(following)
