"""Quotas: reserved when work is accepted, settled at what was really made, released when nothing was.

Every step is one conditional UPDATE of the one row that an owner has for a period, in the transaction of what it is for. The row's
lock also puts the submissions of one owner in a queue, so that whatever is counted after a reservation is counted alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import F, QuerySet, Subquery
from django.db.models.functions import JSONObject, Now

from accounts import metrics
from accounts.errors import InsufficientQuota
from accounts.models import Limits, Override, Plan, Quota, Span, Usage, User
from accounts.models.ledger import MILLISECONDS

UNLIMITED = Plan(name="")
# for whoever has no plan where there is no default one
METERED = frozenset({"speech", "transcription", "conversion"})
# the kinds of work that are counted and charged for; any other costs nothing
PLAN_COLUMNS = {field.attname: field.attname for field in Plan._meta.concrete_fields}
WHOLE = 100
# per cent


@dataclass(frozen=True, slots=True)
class Amount:
    characters: int = 0
    milliseconds: int = 0

    def __add__(self, other: Amount) -> Amount:
        return Amount(self.characters + other.characters, self.milliseconds + other.milliseconds)

    def share(self, percent: int) -> Amount:
        """So much of it, rounded up."""
        return Amount(-(-self.characters * percent // WHOLE), -(-self.milliseconds * percent // WHOLE))


@dataclass(frozen=True, slots=True)
class Allowance:
    """What somebody may use, now."""

    plan: Plan
    limits: dict[str, int | None]
    # by the names of the fields of Limits; none: without one
    starts_at: datetime
    ends_at: datetime
    now: datetime


@dataclass(frozen=True, slots=True)
class Reservation:
    """What is set aside for one piece of work. `kind` says which seconds of the Quota are meant, if it is one of METERED."""

    owner_id: Any
    kind: str
    starts_at: datetime
    amount: Amount


@dataclass(frozen=True, slots=True)
class Charge:
    """What an item came to, as the ledger is to show it."""

    item_id: str
    api_key_id: str | None
    amount: Amount
    voice: str
    model: str
    reused: bool = False


def allowance(owner: User) -> Allowance:
    """The limits that hold for somebody at the moment, by the database's clock."""
    default = Plan.objects.filter(is_default=True).order_by().values(told=JSONObject(**PLAN_COLUMNS))[:1]
    found = User.objects.annotate(now=Now(), default_plan=Subquery(default)).select_related("plan", "override").get(pk=owner.pk)
    plan = found.plan or (Plan(**found.default_plan) if found.default_plan else UNLIMITED)
    override = getattr(found, "override", None)
    now: datetime = found.now
    starts_at, ends_at = period(plan, now)
    return Allowance(plan=plan, limits=_merged(plan, override), starts_at=starts_at, ends_at=ends_at, now=now)


def period(plan: Plan, now: datetime) -> tuple[datetime, datetime]:
    """The first instant of the plan's period that `now` is in, and that of the next one. Both at midnight in the plan's time zone."""
    zone = ZoneInfo(plan.time_zone)
    first = now.astimezone(zone).date()
    if plan.span == Span.MONTH:
        first = first.replace(day=1)
        following = (first + timedelta(days=31)).replace(day=1)
    else:
        following = first + timedelta(days=1)
    utc = ZoneInfo("UTC")
    starts_at, ends_at = (datetime.combine(day, time.min, zone).astimezone(utc) for day in (first, following))
    return starts_at, ends_at


def reserve(owner: User, kind: str, amount: Amount, allowed: Allowance) -> Reservation:
    """Set aside what work is expected to come to, in the caller's transaction; InsufficientQuota when there is not as much left."""
    rows = Quota.objects.of(owner).filter(starts_at=allowed.starts_at)
    wanted = dict(_columns(kind, amount))
    more = {f"{name}_reserved": F(f"{name}_reserved") + number for name, number in wanted.items()}
    fitting = _with_room(rows, kind, allowed, wanted)
    if not fitting.update(**more):
        row = Quota(owner=owner, starts_at=allowed.starts_at, ends_at=allowed.ends_at)
        Quota.objects.bulk_create([row], ignore_conflicts=True)
        if not fitting.update(**more):
            raise _refusal(rows.get(), kind, allowed, wanted)
    return Reservation(owner_id=owner.pk, kind=kind, starts_at=allowed.starts_at, amount=amount)


def settle(reservation: Reservation | None, charges: Sequence[Charge]) -> None:
    """Give back what was reserved and write down what was used instead: nothing where there is no charge."""
    if reservation is None:
        return
    used = dict(_columns(reservation.kind, total(charge.amount for charge in charges)))
    changes: dict[str, Any] = {}
    for name, number in _columns(reservation.kind, reservation.amount):
        changes[f"{name}_reserved"] = F(f"{name}_reserved") - number
        changes[name] = F(name) + used[name]
    Quota.objects.filter(owner_id=reservation.owner_id, starts_at=reservation.starts_at).update(**changes)
    if reservation.kind not in METERED:
        return
    Usage.objects.bulk_create(
        Usage(
            item_id=charge.item_id,
            owner_id=reservation.owner_id,
            api_key_id=charge.api_key_id,
            kind=reservation.kind,
            period_starts_at=reservation.starts_at,
            characters=charge.amount.characters,
            milliseconds=charge.amount.milliseconds,
            reused=charge.reused,
            voice=charge.voice,
            model=charge.model,
        )
        for charge in charges
    )


def total(amounts: Iterable[Amount]) -> Amount:
    return sum(amounts, Amount())


def _merged(plan: Plan, override: Override | None) -> dict[str, int | None]:
    names = [field.name for field in Limits._meta.get_fields()]
    return {name: own if (own := getattr(override, name, None)) is not None else getattr(plan, name) for name in names}


def _columns(kind: str, amount: Amount) -> Iterator[tuple[str, int]]:
    """The columns of a Quota that an amount of some kind of work counts in."""
    metered = kind in METERED
    yield "characters", amount.characters if metered else 0
    if metered:
        yield f"{kind}_ms", amount.milliseconds


def _limits(kind: str, allowed: Allowance) -> Iterator[tuple[str, str, int]]:
    """Of each limit that holds: its name, the column that counts for it, and how much that may come to."""
    if (characters := allowed.limits["characters"]) is not None:
        yield "characters", "characters", characters
    if (seconds := allowed.limits.get(f"{kind}_seconds")) is not None:
        yield f"{kind}_seconds", f"{kind}_ms", seconds * MILLISECONDS


def _with_room(rows: QuerySet[Quota], kind: str, allowed: Allowance, wanted: dict[str, int]) -> QuerySet[Quota]:
    for _, column, limit in _limits(kind, allowed):
        if wanted[column]:
            rows = rows.annotate(**{f"{column}_bound": F(column) + F(f"{column}_reserved")})
            rows = rows.filter(**{f"{column}_bound__lte": limit - wanted[column]})
    return rows


def _refusal(row: Quota, kind: str, allowed: Allowance, wanted: dict[str, int]) -> InsufficientQuota:
    for name, column, limit in _limits(kind, allowed):
        bound = getattr(row, column) + getattr(row, f"{column}_reserved")
        if wanted[column] and bound + wanted[column] > limit:
            scale = MILLISECONDS if column != name else 1
            metrics.QUOTA_REFUSALS.labels(name).inc()
            return InsufficientQuota(
                f"This needs {-(-wanted[column] // scale)} {name} and {max(0, (limit - bound) // scale)} of {limit // scale} are left "
                f"until {allowed.ends_at:%Y-%m-%dT%H:%M:%SZ}.",
                retry_after=(allowed.ends_at - allowed.now).total_seconds(),
            )
    return InsufficientQuota(retry_after=(allowed.ends_at - allowed.now).total_seconds())
