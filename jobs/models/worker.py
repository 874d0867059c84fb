"""The processes that do the work, as they last reported themselves."""

from __future__ import annotations

from datetime import timedelta
from typing import Self

from django.db import models
from django.db.models.functions import Now

WORKER_SILENCE = timedelta(seconds=10)
# a worker that was not heard of for longer is taken for gone
BATCH = "batch"
# how the names of queues end that nobody waits for


class WorkerRows(models.QuerySet["Worker"]):
    def alive(self) -> Self:
        return self.filter(seen_at__gt=Now() - WORKER_SILENCE)

    def serve(self, queue: str) -> bool:
        """Whether one that is alive takes messages from a queue."""
        return any(queue in queues for queues in self.alive().values_list("queues", flat=True))

    def batch_threads(self) -> int:
        """Threads of those alive that take what nobody waits for."""
        alive = self.alive().values_list("threads", "queues")
        return sum(threads for threads, queues in alive if any(queue.endswith(BATCH) for queue in queues))

    def gone(self) -> Self:
        return self.filter(seen_at__lt=Now() - 6 * WORKER_SILENCE)


class Worker(models.Model):
    """A process that makes items, as it last reported itself."""

    id = models.CharField(primary_key=True, max_length=80)
    # host, process and a number that tells apart what the system numbers anew
    threads = models.PositiveSmallIntegerField()
    queues = models.JSONField(default=list)
    # that it takes messages from
    device = models.JSONField(default=dict)
    # what it computes on: name and memory in bytes; empty before it loads a model
    loaded = models.JSONField(default=list)
    # the models in its memory: name, bytes, users and seconds of idleness of each
    items = models.JSONField(default=list)
    # the ids of what it is at
    started_at = models.DateTimeField(db_default=Now(), editable=False)
    seen_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = WorkerRows.as_manager()

    def __str__(self) -> str:
        return self.id
