"""How far something is, as a bar that is drawn and said."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.timesince import timesince

WIDTH = 100
MINUTE = 60
DONE, BAD, NEUTRAL = "#16a34a", "#dc2626", "#9ca3af"


def bar(total: int, parts: Sequence[tuple[str, int, str]]) -> SafeString:
    """Of `total`, so many each: (what, how many, colour). Drawn without styles, which a strict policy refuses."""
    said = ", ".join(f"{number} {name}" for name, number, _ in parts if number) or "nothing yet"
    places, start = [], 0.0
    for _, number, colour in parts:
        width = WIDTH * number / max(total, 1)
        places.append((f"{start:.2f}", f"{width:.2f}", colour))
        start += width
    rects = format_html_join("", '<rect x="{}" width="{}" height="8" fill="{}"/>', places)
    return format_html(
        '<svg viewBox="0 0 100 8" width="100" height="8" preserveAspectRatio="none" role="img" aria-label="Of {}: {}">'
        '<rect width="100" height="8" fill="currentColor" opacity=".15"/>{}</svg> '
        '<span class="whitespace-nowrap" title="{}">{} of {}</span>',
        total,
        said,
        rects,
        said,
        sum(number for _, number, _ in parts),
        total,
    )


def ago(moment: datetime) -> str:
    return f"{timesince(moment, depth=1)} ago"


def took(start: datetime | None, end: datetime | None) -> str | None:
    """How long something took, or has taken until now."""
    if start is None:
        return None
    end = end or timezone.now()
    seconds = max(0.0, (end - start).total_seconds())
    return f"{seconds:.1f} s" if seconds < MINUTE else timesince(start, end)
