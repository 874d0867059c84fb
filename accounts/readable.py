"""What rows keep as JSON or as numbers, as people read it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from django.utils.html import format_html

LONGEST = 20_000
# characters of a JSON that a page shows
MINUTE, HOUR = 60, 3600


def pretty(value: Any) -> str:
    """JSON over several lines, cut off where it is too long for a page. A text that is no JSON is shown as it is."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return _framed(value)
    return _framed(json.dumps(value, ensure_ascii=False, indent=2))


def lasting(time: timedelta) -> str:
    """`42 s`, `3 min 5 s`, `2 h 7 min`."""
    seconds = max(0, int(time.total_seconds()))
    if seconds < MINUTE:
        return f"{seconds} s"
    if seconds < HOUR:
        return f"{seconds // MINUTE} min {seconds % MINUTE} s"
    return f"{seconds // HOUR} h {seconds % HOUR // MINUTE} min"


def _framed(text: str) -> str:
    cut = text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
    return format_html('<pre class="desk-json" tabindex="0">{}</pre>', cut)
