"""How much of a limit is gone, drawn and said."""

from __future__ import annotations

from django.utils.html import format_html

WHOLE = 100
# per cent


def bar(used: float, reserved: float, limit: float | None, *, unit: str = "") -> str:
    """A bar of what is used and reserved of a limit with the same in words; the words alone where there is no limit."""
    told = f"{_number(used)}{f' + {_number(reserved)} reserved' if reserved else ''}"
    if limit is None:
        return format_html("{}{}, no limit", told, unit)
    percent = share(used + reserved, limit)
    words = f"{told} of {_number(limit)}{unit} ({percent} %)"
    first = min(share(used, limit), WHOLE)
    second = max(0, min(percent, WHOLE) - first)
    return format_html(
        '<svg class="desk-bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="whole" width="100" height="10"/><rect class="{}" width="{}" height="10"/>'
        '<rect class="reserved" x="{}" width="{}" height="10"/></svg><span>{}</span>',
        "over" if percent >= WHOLE else "used",
        first,
        first,
        second,
        words,
    )


def share(part: float, whole: float) -> int:
    """Per cent, rounded down; all of nothing is all."""
    return int(part * WHOLE // whole) if whole else WHOLE


def _number(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"
