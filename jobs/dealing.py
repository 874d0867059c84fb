"""Which item's doorbell rings when. A live item's at once; a batch's items are dealt, so that nobody's ten thousand are in the way.

Of each owner's batch items only a few have a message on the way, and each that ends is followed by its owner's next. The queue so
holds the same small number for everyone, and whoever comes waits for a few items and not for a brief.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import dramatiq
import structlog
from django.db import transaction
from django.db.models import Exists, F, OuterRef
from django.db.models.functions import Now

from config.errors import Unavailable
from jobs import doorbell, metrics
from jobs.models import OPEN, Item, Job, State, Worker
from jobs.models.worker import BATCH
from jobs.reuse import end_twins
from jobs.streams import streams
from jobs.streams.base import Entry, Kind

log = structlog.get_logger("jobs")

SWEEP_BATCH = 100
# rows of each kind that one sweep looks after
AHEAD = 2
# items of an owner on the way for each thread that makes items


def queue_of(actor: str) -> str:
    """The name of the queue that an actor reads."""
    name: str = dramatiq.get_broker().get_actor(actor).queue_name
    return name


def actors_of(queue: str) -> list[str]:
    """The names of the actors that read a queue."""
    return [actor.actor_name for actor in dramatiq.get_broker().actors.values() if actor.queue_name == queue]


def is_batch(actor: str) -> bool:
    """Whether what this actor makes waits for its turn, by the queue that it reads."""
    return queue_of(actor).endswith(BATCH)


def ring_all(items: Iterable[Item]) -> None:
    for item in items:
        ring(item)


def ring(item: Item) -> bool:
    """Send the item's message. It may be lost: then the sweep rings, at once where the loss is known (False)."""
    rung = doorbell.ring(item.actor, item.pk, item_id=item.pk)
    if not rung:
        Item.objects.filter(pk=item.pk, state__in=OPEN).update(rung_at=None)
    return rung


def deal(owner_id: Any) -> None:
    """Ring for as many of an owner's waiting items as he may have on the way."""
    threads = Worker.objects.batch_threads() or 1
    _ring_next(owner_id, AHEAD * threads - Item.objects.dealt().filter(owner_id=owner_id).count())


def deal_next(owner_id: Any) -> None:
    """Ring for the owner's next item, in place of one that has ended."""
    _ring_next(owner_id, 1)


def sweep() -> None:
    """Find what was lost, however it was lost: end what is beyond help, ring again for the rest. Many may sweep at once."""
    for item in Item.objects.abandoned().select_related("job")[:SWEEP_BATCH]:
        if item.end_abandoned():
            item.refresh_from_db()
            metrics.LEASES_EXPIRED.inc()
            metrics.ended(item, item.state, item.error_code)
            log.warning("abandoned", item_id=item.pk, state=item.state, code=item.error_code)
            tell_the_end(item)
    for item in Item.objects.lost().order_by("id")[:SWEEP_BATCH]:
        rung = Item.objects.filter(pk=item.pk, rings=item.rings, attempt=item.attempt)
        if rung.update(rung_at=Now(), rings=F("rings") + 1):
            metrics.RUNG_AGAIN.inc()
            log.info("ring again", item_id=item.pk, state=item.state, attempt=item.attempt)
            if not ring(item):
                break
    for twin in Item.objects.orphaned().select_related("twin")[:SWEEP_BATCH]:
        end_twins(twin.twin)
    waiting = Item.objects.waiting().filter(owner=OuterRef("owner_id"), due_at__lte=Now())
    for owner_id in Job.objects.open().filter(Exists(waiting)).order_by().values_list("owner_id", flat=True).distinct():
        deal(owner_id)
    Worker.objects.gone().delete()


def leave_to_a_sweep(job: Job) -> None:
    """Say that nobody was rung for: where messages stay in this process and no worker is in it, whoever sweeps rings at once."""
    job.items.filter(state=State.QUEUED).update(rung_at=None, rings=0)


def tell_the_end(item: Item) -> None:
    try:
        streams().append(item.pk, Entry(Kind.FAILED, max(item.attempt, 1), 0, item.error_code.encode()))
    except Unavailable:
        log.warning("nobody told of the end", item_id=item.pk)


def _ring_next(owner_id: Any, count: int) -> None:
    if count < 1:
        return
    with transaction.atomic():
        rows = Item.objects.waiting().filter(owner_id=owner_id, due_at__lte=Now()).order_by("-priority", "job_id", "position")
        items = list(rows.select_for_update(skip_locked=True)[:count])
        Item.objects.filter(pk__in=[item.pk for item in items]).update(rung_at=Now(), rings=F("rings") + 1)
    ring_all(items)
