"""What the front page tells, asked of the database: each is a short range of an index, or a table that stays small.

Nothing here counts a table. What takes longer is kept for a while, so that any number of those who look ask once.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import chain
from statistics import quantiles
from typing import Any, TypeVar

import dramatiq
from django.core.cache import cache
from django.db.models import Count, Min, Sum
from django.db.models.functions import TruncMinute
from django.utils import timezone

from accounts import usage_days
from accounts.ids import first_id
from accounts.models import UsageDay, User
from accounts.models.ledger import MILLISECONDS
from jobs.models import Blob, Item, State, Worker
from voice.models import LiveSession

COUNTED = 10_000
# beyond which it is enough to know that more wait
SHOWN = 10
# rows of a list
SAMPLE = 2000
# rows that a latency is taken of
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
DAYS = 30
SOON, LATER, SELDOM = 5, 60, 300
# seconds that figures are kept, by what they cost
Made = TypeVar("Made")
ENDED = (State.COMPLETED, State.FAILED, State.CANCELLED)


@dataclass(frozen=True)
class Queue:
    name: str
    depth: int
    many: bool
    # there are more
    oldest: datetime | None
    workers: int
    # that take from it

    @property
    def stuck(self) -> bool:
        return bool(self.depth) and not self.workers


@dataclass(frozen=True)
class Spread:
    """Durations in seconds."""

    number: int
    median: float
    p95: float


@dataclass(frozen=True)
class Tenant:
    owner_id: Any
    name: str
    characters: int = 0
    seconds: float = 0
    items: int = 0
    bytes: int = 0


@dataclass(frozen=True)
class Days:
    """What was used: a number for each of the DAYS."""

    days: list[date]
    characters: list[int]
    seconds: dict[str, list[float]]
    # of audio, by kind of work
    tenants: list[Tenant]
    # who used most


@dataclass(frozen=True)
class Stored:
    bytes: int
    files: int
    tenants: list[Tenant]
    # who has most


def queues() -> list[Queue]:
    actors: dict[str, list[str]] = defaultdict(list)
    for name, actor in dramatiq.get_broker().actors.items():
        actors[actor.queue_name].append(name)
    waiting = set(_actors_waited_for())
    served = Counter(chain.from_iterable(Worker.objects.alive().values_list("queues", flat=True)))
    return [_queue(name, waiting.intersection(actors[name]), served[name]) for name in sorted(actors)]


def _actors_waited_for() -> Iterator[str]:
    """From one to the next in the index: there are few, of however many rows."""
    last: str | None = ""
    while last is not None:
        last = Item.objects.filter(state=State.QUEUED, actor__gt=last).order_by("actor").values_list("actor", flat=True).first()
        if last:
            yield last


def _queue(name: str, actors: Iterable[str], workers: int) -> Queue:
    of_actors = [
        Item.objects.queued(actor).values("created_at")[: COUNTED + 1].aggregate(number=Count("created_at"), oldest=Min("created_at"))
        for actor in actors
    ]
    depth = sum(each["number"] for each in of_actors)
    oldest = min((each["oldest"] for each in of_actors if each["oldest"]), default=None)
    return Queue(name, min(depth, COUNTED), depth > COUNTED, oldest, workers)


def minutes() -> dict[datetime, Counter[str]]:
    """How many items ended in each minute of the last hour, by their state."""
    return _kept("minutes", SOON, _minutes)


def _minutes() -> dict[datetime, Counter[str]]:
    last = timezone.now().replace(second=0, microsecond=0)
    ended: dict[datetime, Counter[str]] = {last - timedelta(minutes=n): Counter() for n in reversed(range(60))}
    rows = Item.objects.ended_since(last - HOUR + timedelta(minutes=1), *ENDED).annotate(minute=TruncMinute("finished_at"))
    for row in rows.values("minute", "state").annotate(number=Count("pk")):
        if row["minute"] in ended:
            ended[row["minute"]][row["state"]] += row["number"]
    return ended


def failures() -> list[tuple[str, int]]:
    """The codes that items failed with in the last day, and how often."""
    return _kept("failures", SOON, _failures)


def _failures() -> list[tuple[str, int]]:
    rows = Item.objects.ended_since(timezone.now() - DAY, State.FAILED).values_list("error_code").annotate(number=Count("pk"))
    return list(rows.order_by("-number")[:SHOWN])


def waits() -> Spread | None:
    """How long those waited for a worker that somebody listened to, among the items that ended last."""
    rows = Item.objects.ended_since(timezone.now() - HOUR, State.COMPLETED).order_by("-finished_at")
    times = rows.values_list("batch", "created_at", "started_at")[:SAMPLE]
    return _spread([(started - created).total_seconds() for batch, created, started in times if started and not batch])


def first_sounds() -> Spread | None:
    """From the end of what somebody said until he heard the answer begin: the medians of the last day's conversations."""
    rows = LiveSession.objects.filter(pk__gte=first_id("sess", timezone.now() - DAY), first_audio_ms__isnull=False)
    return _spread([each / MILLISECONDS for each in rows.order_by("-pk").values_list("first_audio_ms", flat=True)[:SAMPLE] if each])


def _spread(seconds: Sequence[float]) -> Spread | None:
    if not seconds:
        return None
    cuts = quantiles(seconds, n=20, method="inclusive") if len(seconds) > 1 else [seconds[0]] * 19
    return Spread(len(seconds), cuts[9], cuts[18])


def workers() -> list[tuple[Worker, list[Item]]]:
    """Those that are alive or were of late, and the items that each is at."""
    rows = list(Worker.objects.order_by("id"))
    named = [pk for worker in rows for pk in worker.items]
    items = Item.objects.only("id", "actor", "started_at", "job_id").in_bulk(named)
    return [(worker, [items[pk] for pk in worker.items if pk in items]) for worker in rows]


def sessions() -> tuple[int, list[LiveSession]]:
    """How many conversations are open, and the newest of them."""
    held = LiveSession.objects.heard_of().select_related("owner").order_by("-pk")
    return held.count(), list(held.defer("transcript", "snapshot")[:SHOWN])


def days() -> Days:
    return _kept("days", LATER, _days)


def _days() -> Days:
    open_since = usage_days.close_days()
    today = timezone.now().date()
    shown = [today - timedelta(days=n) for n in reversed(range(DAYS))]
    closed = UsageDay.objects.filter(day__gte=shown[0], day__lt=open_since).order_by()
    added = {"items": Sum("items"), "characters": Sum("characters"), "milliseconds": Sum("milliseconds")}
    fresh = usage_days.by_owner(open_since)
    by_day = [*closed.values("day", "kind").annotate(**_renamed(added)), *map(_summed, fresh)]
    # of those who used most until today, enough that today's can't bring another one up
    by_owner = [*closed.values("owner_id").annotate(**_renamed(added)).order_by("-sum_milliseconds")[: 5 * SHOWN], *map(_summed, fresh)]

    characters: Counter[date] = Counter()
    seconds: dict[str, Counter[date]] = defaultdict(Counter)
    for row in by_day:
        characters[row["day"]] += row["sum_characters"]
        seconds[row["kind"]][row["day"]] += row["sum_milliseconds"]
    totals: dict[Any, Counter[str]] = defaultdict(Counter)
    for row in by_owner:
        totals[row["owner_id"]].update({name: row[f"sum_{name}"] for name in added})
    first = sorted(totals, key=lambda owner: -totals[owner]["milliseconds"])[:SHOWN]
    names = _names(first)
    return Days(
        days=shown,
        characters=[characters[day] for day in shown],
        seconds={kind: [counted[day] / MILLISECONDS for day in shown] for kind, counted in sorted(seconds.items())},
        tenants=[
            Tenant(pk, names[pk], totals[pk]["characters"], totals[pk]["milliseconds"] / MILLISECONDS, totals[pk]["items"])
            for pk in first
            if pk in names
        ],
    )


def _renamed(sums: dict[str, Sum]) -> dict[str, Sum]:
    return {f"sum_{name}": each for name, each in sums.items()}


def _summed(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, **{f"sum_{name}": row[name] for name in ("items", "characters", "milliseconds")}}


def stored() -> Stored:
    return _kept("stored", SELDOM, _stored)


def _stored() -> Stored:
    rows = list(Blob.objects.order_by().values("owner_id").annotate(total=Sum("bytes"), files=Count("bytes")))
    first = sorted(rows, key=lambda row: -row["total"])[:SHOWN]
    names = _names(row["owner_id"] for row in first)
    return Stored(
        bytes=sum(row["total"] for row in rows),
        files=sum(row["files"] for row in rows),
        tenants=[
            Tenant(row["owner_id"], names[row["owner_id"]], items=row["files"], bytes=row["total"])
            for row in first
            if row["owner_id"] in names
        ],
    )


def _names(owners: Iterable[Any]) -> dict[Any, str]:
    return dict(User.objects.filter(pk__in=list(owners)).values_list("pk", "username"))


def _kept(name: str, seconds: int, make: Callable[[], Made]) -> Made:
    """What was made for whoever asked last, for so long."""
    found: Made | None = cache.get(f"desk:{name}")
    if found is None:
        found = make()
        cache.set(f"desk:{name}", found, seconds)
    return found
