"""Whoever works, and what waits for him."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings
from django.db.models.functions import Now
from django.utils import timezone

from config.doctor.findings import Finding, check, failure, warning, well
from jobs.models import Item, Job, State, Worker
from voice.models import Model

NEEDS = ("settings", "database", "migrations")
LONG_LIVE = timedelta(seconds=30)
LONG_BATCH = timedelta(hours=1)
LATE = timedelta(seconds=30)
# after the end of a lease, within which a sweep has found it
MOST_COUNTED = 1000
ALWAYS = {"live": "speech that somebody listens to", "batch": "briefs, webhooks and the purge"}
NEURAL = {"neural": "registered models", "neural-batch": "registered models in briefs"}


@check("workers", needs=NEEDS)
def workers() -> Iterator[Finding]:
    alive = list(Worker.objects.alive())
    start = "`manage.py serve`" if settings.EMBEDDED else "`manage.py work`, on as many machines as you like"
    if not alive:
        told = "No worker is running."
        yield warning(told, f"Start one: {start}.") if settings.EMBEDDED else failure(told, f"Start one: {start}.")
        return
    queues = {queue for worker in alive for queue in worker.queues}
    loaded = Model.objects.filter(enabled=True).exclude(location="").exists()
    needed = ALWAYS | (NEURAL if loaded else {})
    for queue, purpose in needed.items():
        if queue not in queues:
            extra = ", with the extra `gpu` installed" if queue in NEURAL else ""
            advice = f"Start a worker that does{extra}; WORKER_QUEUES, where it is set, must name it."
            yield failure(f"No worker reads the queue {queue}: {purpose} wait.", advice)
    threads = sum(worker.threads for worker in alive)
    yield well(f"{len(alive)} workers with {threads} threads read {', '.join(sorted(queues))}.")


@check("queue", needs=NEEDS)
def queue() -> Iterator[Finding]:
    oldest = Item.objects.filter(state=State.QUEUED, batch=False, twin=None).order_by("due_at").first()
    waited = timezone.now() - oldest.due_at if oldest else timedelta(0)
    if waited > LONG_LIVE:
        yield warning(f"Somebody has listened for an item for {_span(waited)}.", "Start more workers.")
    job = Job.objects.open().order_by("pk").first()
    aged = timezone.now() - job.created_at if job else timedelta(0)
    if job and aged > LONG_BATCH:
        yield warning(f"The oldest open job, {job}, was asked for {_span(aged)} ago.", f"`manage.py jobs show {job}`; start more workers.")
    if waited <= LONG_LIVE and aged <= LONG_BATCH:
        yield well(f"Nothing has waited for long; the oldest open job is {_span(aged)} old." if job else "Nothing waits.")


@check("leases", needs=NEEDS)
def leases() -> Iterator[Finding]:
    stale = Item.objects.filter(state=State.RUNNING, lease_until__lt=Now() - LATE).order_by()[:MOST_COUNTED].count()
    if stale:
        more = " or more" if stale == MOST_COUNTED else ""
        yield warning(f"{stale}{more} items were left by workers that died, and nobody has taken them up.", "Start a worker: each sweeps.")
    else:
        yield well("No item is left by a worker that died.")


def _span(span: timedelta) -> str:
    return str(timedelta(seconds=round(span.total_seconds())))
