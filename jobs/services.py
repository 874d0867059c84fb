"""What happens across rows: submit, cancel, retry, and the sweep that finds whatever was lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import dramatiq
import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from dramatiq.errors import DramatiqError
from redis.exceptions import RedisError

from accounts.models import ApiKey, User
from config.errors import Overloaded, Unavailable
from jobs.errors import InvalidState
from jobs.models import OPEN, Item, Job, State, Worker
from jobs.streams import streams
from jobs.streams.base import Entry, Kind

log = structlog.get_logger("jobs")

SWEEP_BATCH = 100
# rows of each kind that one sweep looks after
BUSY_RETRY = 5.0
# seconds that a client of an overloaded service is told to wait


@dataclass(frozen=True, slots=True)
class Order:
    """One item to be made."""

    actor: str
    # the name of its Dramatiq actor
    text: str
    format: str
    media_type: str
    voice_id: str | None = None
    store: bool = True
    streamed: bool = True
    # False: nothing is told before all of it is made
    options: dict[str, Any] = field(default_factory=dict)


def submit(*, owner: User, api_key: ApiKey | None, kind: str, orders: Sequence[Order]) -> Job:
    """Write the job and its items in one transaction; their messages leave when it is committed. Overloaded when there is no room."""
    _refuse_when_overloaded(len(orders))
    with transaction.atomic():
        job = Job.objects.create(owner=owner, api_key=api_key, kind=kind, total=len(orders))
        items = Item.objects.bulk_create(
            Item(
                job=job,
                owner=owner,
                position=position,
                actor=order.actor,
                voice_id=order.voice_id,
                text=order.text,
                options=order.options,
                format=order.format,
                media_type=order.media_type,
                store=order.store,
                streamed=order.streamed,
            )
            for position, order in enumerate(orders)
        )
        transaction.on_commit(partial(_ring_all, items))
    return job


def cancel(*, job: Job) -> None:
    """End what is queued, stop what runs. InvalidState when the job is over."""
    if job.state not in OPEN:
        raise InvalidState(f"The job is {job.state}.")
    for item in job.items.filter(state__in=OPEN):
        stop(item=item)


def stop(*, item: Item) -> bool:
    """Cancel one item, and tell whoever follows it; a running one is told of by its worker."""
    stopped = item.cancel()
    item.refresh_from_db(fields=["state", "attempt", "error_code"])
    if item.state == State.CANCELLED:
        _tell_the_end(item)
    return stopped


def retry(*, job: Job) -> int:
    """Queue the failed items anew and say how many. InvalidState when there are none."""
    again = [item for item in job.items.filter(state=State.FAILED) if _retry(item)]
    if not again:
        raise InvalidState("The job has no failed items.")
    return len(again)


def sweep() -> None:
    """Find what was lost, however it was lost: end what is beyond help, ring again for the rest. Many may sweep at once."""
    for item in Item.objects.abandoned()[:SWEEP_BATCH]:
        if item.end_abandoned():
            item.refresh_from_db()
            log.warning("abandoned", item_id=item.pk, state=item.state, code=item.error_code)
            _tell_the_end(item)
    for item in Item.objects.lost().order_by("id")[:SWEEP_BATCH]:
        rung = Item.objects.filter(pk=item.pk, rings=item.rings, attempt=item.attempt)
        if rung.update(rung_at=Now(), rings=F("rings") + 1):
            log.info("ring again", item_id=item.pk, state=item.state, attempt=item.attempt)
            if not _ring(item):
                break
    Worker.objects.gone().delete()


def _refuse_when_overloaded(more: int) -> None:
    room = settings.MAX_QUEUED - more
    if room < 0 or Item.objects.filter(state=State.QUEUED)[: room + 1].count() > room:
        raise Overloaded("Too many items are waiting. Try again in a few seconds.", retry_after=BUSY_RETRY)
    if not Worker.objects.alive().exists():
        raise Overloaded("No worker is running. Try again shortly.", retry_after=BUSY_RETRY)


def _retry(item: Item) -> bool:
    queued = item.retry()
    if queued:
        _forget(item)
        _ring_all([item])
    return queued


def _ring_all(items: Sequence[Item]) -> None:
    for item in items:
        _ring(item)


def _ring(item: Item) -> bool:
    """Send the item's message. It may be lost: then the sweep rings, at once where the loss is known (False)."""
    try:
        dramatiq.get_broker().get_actor(item.actor).send(item.pk)
    except (DramatiqError, RedisError) as error:
        log.warning("no message sent", item_id=item.pk, reason=repr(error))
        Item.objects.filter(pk=item.pk, state__in=OPEN).update(rung_at=None)
        return False
    return True


def _tell_the_end(item: Item) -> None:
    try:
        streams().append(item.pk, Entry(Kind.FAILED, max(item.attempt, 1), 0, item.error_code.encode()))
    except Unavailable:
        log.warning("nobody told of the end", item_id=item.pk)


def _forget(item: Item) -> None:
    try:
        streams().drop(item.pk)
    except Unavailable:
        log.warning("old stream not dropped", item_id=item.pk)
