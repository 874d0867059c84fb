"""How much of what a plan limits somebody has now. Each room tells it of its own: whoever limits need not know what a voice is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Expression, F, Q, QuerySet
from django.db.models.functions import Now

from accounts.models import Limits, Plan, Quota, User
from accounts.models.ledger import MILLISECONDS
from accounts.quotas import Allowance, period
from accounts.usage import COUNTERS, standing

MOST_NAMED = 20
# people who are over a limit

Rows = QuerySet[Any, Any]
# of an `owner` and a `number`

_gauges: dict[str, Callable[[], Rows]] = {}


@dataclass(frozen=True, slots=True)
class Standing:
    """How somebody stands at one limit."""

    limit: str
    used: float
    reserved: float
    most: float | None
    # none: without one


@dataclass(frozen=True, slots=True)
class Over:
    """Whoever would have more than a limit allows."""

    limit: str
    most: int
    people: int
    named: list[tuple[str, int]]
    # the names of some of them, and how much each has


def gauge(limit: str) -> Callable[[Callable[[], Rows]], Callable[[], Rows]]:
    """Say of a limit, by the name of its field, how much everybody has: rows of an `owner` and a `number`."""

    def register(rows: Callable[[], Rows]) -> Callable[[], Rows]:
        _gauges[limit] = rows
        return rows

    return register


def standings(owner: User, allowed: Allowance) -> list[Standing]:
    """How somebody stands at every limit that something is counted for."""
    period_ = standing(owner, allowed)
    counted = [Standing(name, period_["used"][name], period_["reserved"][name], allowed.limits[name]) for name in COUNTERS]
    gauged = [Standing(name, _reading(name, owner), 0, allowed.limits[name]) for name in _gauges]
    return [*counted, *gauged]


def lowered(before: Plan, after: Plan) -> dict[str, int]:
    """The limits that are less than they were, and what they are now."""
    pairs = ((field.name, getattr(before, field.name), getattr(after, field.name)) for field in Limits._meta.get_fields())
    return {name: now for name, was, now in pairs if now is not None and (was is None or now < was)}


def whoever_is_over(plan: Plan, limits: dict[str, int]) -> list[Over]:
    """The people of a plan who have more now than these limits would allow."""
    return [found for name, most in limits.items() if (found := _over(plan, name, most)) is not None]


def _over(plan: Plan, name: str, most: int) -> Over | None:
    people = User.objects.filter(Q(plan=plan) | (Q(plan=None) if plan.is_default else Q(pk=None)), is_active=True)
    bound = people.filter(Q(override=None) | Q(**{f"override__{name}": None}))
    rows = _counted(plan, name) if name in COUNTERS else _gauges[name]() if name in _gauges else None
    if rows is None:
        return None
    scale = MILLISECONDS if COUNTERS.get(name, name) != name else 1
    over = rows.filter(owner__in=bound, number__gt=most * scale).order_by("-number")
    number = over.count()
    if not number:
        return None
    named = [(username, has // scale) for username, has in over.values_list("owner__username", "number")[:MOST_NAMED]]
    return Over(name, most, number, named)


def _counted(plan: Plan, name: str) -> Rows:
    """What everybody has used and reserved in the plan's present period."""
    column = COUNTERS[name]
    now = User.objects.order_by().values_list(Now(), flat=True).first()
    if now is None:
        return Quota.objects.none().values("owner")
    gone: Expression = F(column) + F(f"{column}_reserved")
    starts_at, _ = period(plan, now)
    rows: Rows = Quota.objects.filter(starts_at=starts_at).order_by().values("owner").annotate(number=gone)
    return rows


def _reading(name: str, owner: User) -> int:
    row = _gauges[name]().filter(owner=owner).order_by("owner").first()
    return row["number"] or 0 if row else 0
