"""How figures are written on the admin's front page."""

from __future__ import annotations

from datetime import datetime

from django import template
from django.utils import timezone

register = template.Library()

UNITS = ((86_400, "d"), (3600, "h"), (60, "min"))
FINE = 10
# seconds below which tenths are told


@register.filter
def span(seconds: float) -> str:
    """A duration in its largest unit, such as `3 min`."""
    for size, unit in UNITS:
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.1f} s" if seconds < FINE else f"{seconds:.0f} s"


@register.filter
def age(moment: datetime) -> str:
    return span(max(0.0, (timezone.now() - moment).total_seconds()))


@register.filter
def number(value: float) -> str:
    return f"{value:,.0f}"


@register.filter
def share(value: float, most: float) -> float:
    """Of a hundred."""
    return round(100 * value / most, 1) if most else 0.0
