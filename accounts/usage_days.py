"""The ledger by days: those that are over are added up once and kept, the others each time anew."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db.models import Count, Max, QuerySet, Sum
from django.db.models.functions import TruncDate
from django.utils import timezone

from accounts.models import Usage, UsageDay

KEPT = 31
# days that are added up
GRACE = timedelta(hours=1)
# after midnight, until a day is taken for over: what was begun before it may be written down later


def close_days() -> date:
    """Add up what is over and is not added up yet. The first day that is not."""
    now = timezone.now()
    today = (now - GRACE).date()
    last = UsageDay.objects.aggregate(last=Max("day"))["last"]
    first = max(last + timedelta(days=1), today - timedelta(days=KEPT)) if last else today - timedelta(days=KEPT)
    if first < today:
        # two at once find the same, and the second's are ignored
        UsageDay.objects.bulk_create((UsageDay(**row) for row in _sums(first, until=today)), ignore_conflicts=True)
    return today


def by_owner(since: date) -> list[dict[str, Any]]:
    """Of each day, owner and kind of work what the rows add up to that are not added up by `close_days`."""
    return list(_sums(since))


def _sums(first: date, *, until: date | None = None) -> QuerySet[Usage, dict[str, Any]]:
    rows = Usage.objects.filter(created_at__gte=datetime.combine(first, time.min, UTC))
    if until is not None:
        rows = rows.filter(created_at__lt=datetime.combine(until, time.min, UTC))
    days = rows.order_by().annotate(day=TruncDate("created_at", tzinfo=UTC)).values("day", "owner_id", "kind")
    sums: QuerySet[Usage, dict[str, Any]] = days.annotate(items=Count("pk"), characters=Sum("characters"), milliseconds=Sum("milliseconds"))
    return sums
