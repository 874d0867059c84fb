"""What is kept for a time only, removed when its time is over."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from accounts.models import AuditEntry, ClientSecret, Replay, SignIn
from jobs import storage
from jobs.errors import InvalidState
from jobs.models import Blob, Item, Job, Output

log = structlog.get_logger("purge")

BATCH = 500
# rows that are looked at together
LONGEST = 20.0
# seconds that one purge takes; the next goes on
UNNAMED_FOR = timedelta(hours=1)
# since it was kept, after which nobody can be about to write what names a blob
REPLAYS_FOR = timedelta(hours=48)
SIGN_INS_FOR = timedelta(days=30)
# after their end, for whoever asks who was signed in


def purge() -> None:
    """Remove what is over: outputs, what items worked on, steps on the way, blobs that nothing names, answers to be said again,
    sign-ins, client secrets, what staff did.

    Many may purge at once, and one that was killed leaves nothing that the next does not find.
    """
    end = time.monotonic() + LONGEST
    ended = Q(ended_at__lt=Now() - SIGN_INS_FOR) | Q(expires_at__lt=Now() - SIGN_INS_FOR)
    counts = {
        "replays": _delete(_batches(Replay.objects.filter(created_at__lt=Now() - REPLAYS_FOR), end)),
        "sign_ins": _delete(_batches(SignIn.objects.filter(ended), end)),
        "secrets": _delete(_batches(ClientSecret.objects.filter(expires_at__lt=Now() - REPLAYS_FOR), end)),
        "audit": _delete(_batches(AuditEntry.objects.filter(at__lt=Now() - settings.AUDIT_FOR), end)),
        # no sooner than the answers that are made of them
        "outputs": sum(_forgotten(output) for batch in _batches(Output.objects.expired(), end) for output in _until(end, batch)),
        "sources": sum(storage.let_go(item) for batch in _batches(Item.objects.done_with_source(), end) for item in _until(end, batch)),
        "steps": _delete(_batches(Job.objects.filter(listed=False, finished_at__lt=Now() - UNNAMED_FOR), end)),
        "blobs": sum(
            storage.remove(blob.pk, untouched=UNNAMED_FOR)
            for batch in _batches(Blob.objects.unnamed().at_rest().filter(Q(kept_at=None) | Q(kept_at__lt=Now() - UNNAMED_FOR)), end)
            for blob in _until(end, batch)
        ),
    }
    if any(counts.values()):
        log.info("purged", **counts)


def _batches(rows: QuerySet[Any], end: float) -> Iterator[list[Any]]:
    """All the rows, a few at a time, each once: one that can't be removed now is not met again."""
    rows = rows.order_by("pk")
    batch = list(rows[:BATCH])
    while batch and time.monotonic() < end:
        yield batch
        batch = list(rows.filter(pk__gt=batch[-1].pk)[:BATCH]) if len(batch) == BATCH else []


def _until(end: float, rows: Iterable[Any]) -> Iterator[Any]:
    for row in rows:
        if time.monotonic() >= end:
            return
        yield row


def _delete(batches: Iterable[list[Any]]) -> int:
    return sum(type(batch[0]).objects.filter(pk__in=[row.pk for row in batch]).delete()[0] for batch in batches)


def _forgotten(output: Output) -> bool:
    try:
        storage.forget(output)
    except InvalidState:
        # held since it was looked up
        return False
    return True
