"""What was used, added up by the database: for whoever used it, and for whoever checks that the counters are right."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.db.models import Case, Count, Expression, F, Q, QuerySet, Subquery, Sum, When
from django.db.models.functions import Coalesce, TruncDate

from accounts.models import Plan, Quota, Usage, User
from accounts.models.ledger import MILLISECONDS
from accounts.quotas import Allowance

COUNTERS = {
    "characters": "characters",
    "speech_seconds": "speech_ms",
    "transcription_seconds": "transcription_ms",
    "conversion_seconds": "conversion_ms",
}
# the limits of a period, and the columns of a Quota that count for them
GROUPS: dict[str, Expression | F] = {
    "day": TruncDate("created_at", tzinfo=UTC),
    "voice": F("voice"),
    "model": F("model"),
    "key": F("api_key_id"),
    "kind": F("kind"),
}
# what usage can be told apart by

Row = tuple[Any, ...]
# an owner's id, the first instant of a period, and a number for each of the COUNTERS


def limit_in_force(name: str, *, owner: str = "") -> Expression:
    """A limit of a user as a column: his own, else his plan's, else the default plan's. `owner` leads to the user: `owner__`."""
    return Coalesce(f"{owner}override__{name}", of_plan(name, owner=owner))


def of_plan(name: str, *, owner: str = "") -> Expression:
    """What a user's plan says, else the default plan, as a column; empty where there is neither."""
    default = Plan.objects.filter(is_default=True).order_by().values(name)[:1]
    return Case(When(**{f"{owner}plan__isnull": False}, then=f"{owner}plan__{name}"), default=Subquery(default))


def standing(owner: User, allowed: Allowance) -> dict[str, Any]:
    """How much of the current period is used, reserved for work that is not over, and left; None: without a limit."""
    row = Quota.objects.of(owner).filter(starts_at=allowed.starts_at).first() or Quota()
    used, reserved, remaining = {}, {}, {}
    for name, column in COUNTERS.items():
        scale = 1 if name == column else MILLISECONDS
        gone, bound, limit = getattr(row, column), getattr(row, f"{column}_reserved"), allowed.limits[name]
        used[name], reserved[name] = _scaled(gone, scale), _scaled(bound, scale)
        remaining[name] = None if limit is None else _scaled(max(0, limit * scale - gone - bound), scale)
    return {"limits": allowed.limits, "used": used, "reserved": reserved, "remaining": remaining}


def between(usage: QuerySet[Usage], start: date, end: date) -> QuerySet[Usage]:
    """What was written down from one day, UTC, until before another."""
    first, last = (datetime.combine(day, time.min, UTC) for day in (start, end))
    return usage.filter(created_at__gte=first, created_at__lt=last)


def grouped(usage: QuerySet[Usage], by: Sequence[str], *, most: int) -> list[dict[str, Any]]:
    """The sums of each group, in the groups' order; of more than `most`, the first of them."""
    derived = {name: GROUPS[name] for name in by if name in ("day", "key")}
    rows = usage.values(*(name for name in by if name not in derived), **derived).annotate(
        sum_of_characters=Sum("characters"),
        sum_of_milliseconds=Sum("milliseconds"),
        items=Count("pk"),
        again=Count("pk", filter=Q(reused=True)),
    )
    return [
        {
            **{name: row[name] for name in by},
            "characters": row["sum_of_characters"],
            "seconds": row["sum_of_milliseconds"] / MILLISECONDS,
            "items": row["items"],
            "reused": row["again"],
        }
        for row in rows.order_by(*(F(name).asc(nulls_first=True) for name in by))[:most]
    ]


def counters(suffix: str = "") -> QuerySet[Any, Row]:
    """What the counters of every period say."""
    return Quota.objects.order_by("owner_id", "starts_at").values_list(
        "owner_id", "starts_at", *(f"{name}{suffix}" for name in COUNTERS.values())
    )


def sums(rows: QuerySet[Any], kind: str) -> QuerySet[Any, Row]:
    """What rows that count in periods add up to in each of them; `kind` is their column of that name."""
    added = {
        f"sum_of_{column}": Sum("characters")
        if column == "characters"
        else Sum("milliseconds", filter=Q(**{kind: column.removesuffix("_ms")}), default=0)
        for column in COUNTERS.values()
    }
    summed: QuerySet[Any, Row] = rows.order_by("owner_id", "period_starts_at").values_list("owner_id", "period_starts_at").annotate(**added)
    return summed


def differences(counted: Iterable[Row], summed: Iterable[Row], *, suffix: str = "") -> Iterator[str]:
    """A line for each counter that is not what its rows add up to. Both come ordered by owner and period, and are read as they come."""
    names = [f"{name}{suffix}" for name in COUNTERS.values()]
    nothing = [0] * len(names)
    period = itemgetter(0, 1)
    both = heapq.merge((((*row[:2], "counted", row[2:])) for row in counted), ((*row[:2], "summed", row[2:]) for row in summed), key=period)
    for (owner, starts_at), rows in groupby(both, key=period):
        told = {source: numbers for _, _, source, numbers in rows}
        where = f"{owner} from {starts_at:%Y-%m-%dT%H:%M:%SZ}"
        if "counted" not in told:
            yield f"{where}: there are rows but no counters"
        for name, count, total in zip(names, told.get("counted", nothing), told.get("summed", nothing), strict=True):
            if count != total:
                yield f"{where}: {name} says {count}, the rows add up to {total}"


def ledger_differences() -> Iterator[str]:
    """A line for each counter that the ledger does not bear out."""
    return differences(counters().iterator(), sums(Usage.objects.all(), "kind").iterator())


def _scaled(number: int, scale: int) -> float:
    return number if scale == 1 else number / scale
