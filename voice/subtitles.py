"""Timestamps as the subtitles that players show: SubRip and WebVTT, a cue for each sentence."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from voice.timing import Timed

LINE = 42
"""Characters in a line at most: what broadcasters allow."""

_MARKUP = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def srt(sentences: Sequence[Timed]) -> str:
    """SubRip. It has no way to say that a character means itself: an arrow between times is the only one that must not stand there."""
    cues = (
        f"{number}\n{_clock(one.start, ',')} --> {_clock(one.end, ',')}\n{_wrapped(one.text.replace('-->', '→'))}\n"
        for number, one in enumerate(_heard(sentences), 1)
    )
    return "\n".join(cues)


def vtt(sentences: Sequence[Timed]) -> str:
    cues = (f"{_clock(one.start, '.')} --> {_clock(one.end, '.')}\n{_wrapped(one.text).translate(_MARKUP)}\n" for one in _heard(sentences))
    return "\n".join(["WEBVTT\n", *cues])


def _heard(sentences: Sequence[Timed]) -> Iterator[Timed]:
    """Those that last: no cue may end as it begins."""
    return (one for one in sentences if one.end > one.start)


def _wrapped(text: str) -> str:
    return "\n".join(textwrap.wrap(text, LINE, break_on_hyphens=False))


def _clock(seconds: float, point: str) -> str:
    minutes, milliseconds = divmod(round(seconds * 1000), 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{milliseconds // 1000:02}{point}{milliseconds % 1000:03}"
