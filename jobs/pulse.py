"""The queues as the database knows them: what waits, since when, and who is there to make it.

One statement, whose parts each read a partial index of what is open. However often it is asked for, it runs once at a time and every
few seconds at most, and nobody waits for it longer than LIMIT.
"""

from __future__ import annotations

import json
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TookTooLong
from typing import Any

import structlog
from django.db.models import CharField, Count, F, Min, Q, QuerySet, Sum, TextField, Value
from django.db.models.functions import Cast, Now
from dramatiq.errors import ActorNotFound
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from jobs.connections import give_back
from jobs.dealing import queue_of
from jobs.models import Blob, Delivery, Item, State, Worker
from jobs.models.webhooks import DeliveryState

log = structlog.get_logger("pulse")

FRESH = 5.0
# seconds that what was found is told again
LIMIT = 2.0
# seconds that a look may keep somebody waiting; then what was found before is told, with its age
STORAGE_FRESH = 60.0
# seconds; the sum reads every blob's row
WORKER, DELIVERY = "worker", "delivery"
UNKNOWN = "unknown"

Row = tuple[Any, ...]


class Kept:
    """What a statement found, asked again when it is too old and nobody asks already."""

    def __init__(self, ask: Callable[[], list[Row]], *, fresh: float) -> None:
        self._ask = ask
        self._fresh = fresh
        self._rows: list[Row] = []
        self._found_at: float | None = None
        self._asking: Future[None] | None = None
        self._lock = threading.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="pulse")

    def look(self) -> tuple[list[Row], float | None]:
        """The rows, and how many seconds ago they were found; None where they never were."""
        with self._lock:
            old = self._found_at is None or time.monotonic() - self._found_at > self._fresh
            if old and (self._asking is None or self._asking.done()):
                self._asking = self._thread.submit(self._find)
            asking = self._asking if old else None
        if asking is not None:
            try:
                asking.result(LIMIT)
            except TookTooLong:
                log.warning("the database takes too long to look at")
            except Exception as fault:  # whatever the database raises: a look must not fail for it
                log.warning("the database can't be looked at", reason=repr(fault))
        return self._rows, None if self._found_at is None else time.monotonic() - self._found_at

    def _find(self) -> None:
        try:
            self._rows = self._ask()
            self._found_at = time.monotonic()
        finally:
            give_back()


class Pulse(Collector):
    """For web processes: every one would tell the same, so a query takes the largest and not the sum."""

    def __init__(self) -> None:
        self._queues = Kept(_queues, fresh=FRESH)
        self._storage = Kept(_storage, fresh=STORAGE_FRESH)

    def describe(self) -> Iterable[Any]:
        """Nothing beforehand: a registry would otherwise ask the database at once."""
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        rows, age = self._queues.look()
        yield _told(
            "voice_database_up", "Whether the database could be looked at within a minute.", float(age is not None and age < STORAGE_FRESH)
        )
        if age is not None:
            yield _told("voice_queue_look_age_seconds", "How old the numbers of the queues are.", age)
            yield from _families(rows)
        [(size, number), *_] = self._storage.look()[0] or [(None, None)]
        if size is not None:
            yield _told("voice_storage_bytes", "Bytes that are stored.", size)
            yield _told("voice_storage_blobs", "Files that are stored.", number)


def _told(name: str, meaning: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, meaning, value=value)


def _families(rows: list[Row]) -> Iterator[GaugeMetricFamily]:
    depth: dict[tuple[str, str], int] = defaultdict(int)
    oldest: dict[str, float] = defaultdict(float)
    workers: dict[str, int] = defaultdict(int)
    threads: dict[str, int] = defaultdict(int)
    due, overdue = 0, 0.0
    for what, name, number, since, now in rows:
        age = max(0.0, (now - since).total_seconds()) if since else 0.0
        if what == WORKER:
            for queue in json.loads(name):
                workers[queue] += 1
                threads[queue] += number
        elif what == DELIVERY:
            due, overdue = number, age
        else:
            queue = _queue_of(name)
            depth[queue, what] += number
            if what == State.QUEUED:
                oldest[queue] = max(oldest[queue], age)
    queues = {*workers, *(queue for queue, _ in depth), "live", "batch"}
    items = GaugeMetricFamily("voice_queue_items", "Items that are queued or running, by their queue.", labels=["queue", "state"])
    ages = GaugeMetricFamily("voice_queue_oldest_seconds", "How long the oldest queued item is due.", labels=["queue"])
    alive = GaugeMetricFamily("voice_queue_workers", "Living worker processes that take from the queue.", labels=["queue"])
    hands = GaugeMetricFamily("voice_queue_worker_threads", "Threads that these have.", labels=["queue"])
    for queue in sorted(queues):
        for state in (State.QUEUED, State.RUNNING):
            items.add_metric([queue, state.value], depth[queue, state])
        ages.add_metric([queue], oldest[queue])
        alive.add_metric([queue], workers[queue])
        hands.add_metric([queue], threads[queue])
    yield from (items, ages, alive, hands)
    yield _told("voice_webhook_deliveries_due", "Webhook deliveries that are due.", due)
    yield _told("voice_webhook_oldest_due_seconds", "How long the oldest of them is due.", overdue)


def _queue_of(actor: str) -> str:
    """While a deployment is under way there are rows for actors that this process does not know."""
    try:
        return queue_of(actor)
    except ActorNotFound:
        return UNKNOWN


def _queues() -> list[Row]:
    queued = Item.objects.filter(state=State.QUEUED)
    parts = [
        # each as the condition of an index has it
        _counted(queued.filter(batch=False, twin=None), State.QUEUED, "due_at"),
        _counted(queued.filter(batch=True, rung_at=None, twin=None), State.QUEUED, "due_at"),
        _counted(queued.filter(batch=True, rung_at__isnull=False, twin=None), State.QUEUED, "due_at"),
        _counted(Item.objects.filter(state=State.RUNNING), State.RUNNING, "started_at"),
        _shown(Worker.objects.alive(), WORKER, Cast("queues", TextField()), F("threads"), F("seen_at")),
        _counted(Delivery.objects.due().filter(Q(state=DeliveryState.PENDING)), DELIVERY, "due_at", by=None),
    ]
    first, *rest = parts
    return list(first.union(*rest, all=True))


def _counted(rows: QuerySet[Any], what: str, since: str, *, by: str | None = "actor") -> Any:
    name = F(by) if by else Value("", CharField())
    grouped = rows.order_by().annotate(what=Value(what, CharField()), name=name).values("what", "name")
    return grouped.annotate(number=Count("pk"), since=Min(since), now=Now()).values_list("what", "name", "number", "since", "now")


def _shown(rows: QuerySet[Any], what: str, name: Any, number: Any, since: Any) -> Any:
    told = {"what": Value(what, CharField()), "name": name, "number": number, "since": since, "now": Now()}
    return rows.order_by().annotate(**told).values_list(*told)


def _storage() -> list[Row]:
    found = Blob.objects.aggregate(size=Sum("bytes", default=0), number=Count("pk"))
    return [(found["size"], found["number"])]
