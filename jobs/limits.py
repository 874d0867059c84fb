"""What an owner may have at a time, and what the service has room for. Looked at when work is accepted; quotas are of a period."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import Sum

from accounts.models import User
from accounts.quotas import Allowance
from accounts.runtime import runtime
from config.errors import Overloaded, RateLimited
from jobs import metrics
from jobs.errors import Maintenance, StorageFull
from jobs.models import Blob, Item, Job, State, Worker

BUSY_RETRY = 5.0
# seconds that a client of an overloaded service is told to wait


def refuse_too_many(owner: User, allowed: Allowance) -> None:
    """Steps on the way to something else are not counted: of those there are as many as that has."""
    jobs = allowed.limits["concurrent_jobs"]
    if jobs is not None and Job.objects.of(owner).open().listed().count() >= jobs:
        metrics.REFUSED.labels(metrics.TOO_MANY_JOBS).inc()
        raise RateLimited(f"{jobs} of your jobs are not over yet, as many as you may have at a time.", retry_after=BUSY_RETRY)


def refuse_when_full(owner: User, allowed: Allowance, more: int, *, brought: bool) -> None:
    """What is stored is known to the byte. What is under way counts as what it was expected to come to.

    `brought` says that bytes to work on came along, which are stored, and so counted, already.
    """
    room = allowed.limits["stored_bytes"]
    if room is None or not (more or brought):
        return
    stored: int = Blob.objects.filter(owner=owner).aggregate(sum=Sum("bytes", default=0))["sum"]
    left = room - stored - Job.objects.of(owner).bytes_to_come()
    if more > left:
        metrics.REFUSED.labels(metrics.STORAGE_FULL).inc()
        raise StorageFull(
            f"Your outputs fill the room that you have: this needs about {more} bytes, and {max(0, left)} of {room} are left. "
            "Delete some, or send 'store': false.",
        )


def refuse_in_maintenance() -> None:
    if runtime.MAINTENANCE:
        raise Maintenance(runtime.MAINTENANCE_MESSAGE, retry_after=runtime.MAINTENANCE_SECONDS)


def refuse_when_overloaded(more: int, *, queue: str, actors: Collection[str]) -> None:
    """Of one queue, with the actors that read it: what waits for a model holds up nothing that needs none."""
    room = runtime.MAX_QUEUED - more
    waiting = Item.objects.filter(state=State.QUEUED, batch=False, twin=None, actor__in=actors).order_by()
    if room < 0 or waiting[: room + 1].count() > room:
        metrics.REFUSED.labels(metrics.OVERLOADED).inc()
        raise Overloaded("Too many items are waiting. Try again in a few seconds.", retry_after=BUSY_RETRY)
    if not Worker.objects.serve(queue):
        metrics.REFUSED.labels(metrics.NO_WORKER).inc()
        raise Overloaded("No worker for this is running. Try again shortly.", retry_after=BUSY_RETRY)
