"""How many voices somebody has, and how many conversations."""

from __future__ import annotations

from django.db.models import Count

from accounts.gauges import Rows, gauge
from voice.models import LiveSession, Voice


@gauge("custom_voices")
def own_voices() -> Rows:
    return Voice.objects.exclude(owner=None).order_by().values("owner").annotate(number=Count("pk"))


@gauge("concurrent_sessions")
def conversations() -> Rows:
    rows: Rows = LiveSession.objects.attended().order_by().values("owner").annotate(number=Count("pk"))
    return rows
