"""Durable work. A Job is what somebody asked for, an Item one piece of it that one actor makes, an Output what came of it.

The rows are the truth; a message is only a doorbell. Every change of state is one conditional UPDATE whose row count is the answer,
and every lease is measured by the database's clock.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Self

from django.conf import settings
from django.db import models, transaction
from django.db.models import Case, Exists, F, OuterRef, Q, Value, When
from django.db.models.functions import Now

from accounts.ids import new_id
from accounts.models import Owned
from config.errors import Refusal
from jobs.errors import Cancelled, WorkerCrashed

LONGEST_REASON = 500
# characters of an error that are kept
WORKER_SILENCE = timedelta(seconds=10)
# a worker that was not heard of for longer is taken for gone
PATIENCE = ((1, timedelta(seconds=10)), (3, timedelta(minutes=1)), (32_767, timedelta(minutes=5)))
# after so many messages, how long the last one may have been under way; it grows, for a long queue is not a lost message


def _max_attempts() -> int:
    return int(settings.MAX_ATTEMPTS)


class State(models.TextChoices):
    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


OPEN = (State.QUEUED, State.RUNNING)


class JobRows(Owned):
    def settle(self, pk: str) -> None:
        """Bring a job's state in line with its items': over when all of them are."""
        items = Item.objects.filter(job=OuterRef("pk"))
        self.filter(pk=pk, state__in=OPEN).exclude(Exists(items.filter(state__in=OPEN))).update(
            state=Case(
                When(Exists(items.filter(state=State.COMPLETED)), then=Value(State.COMPLETED)),
                When(Exists(items.filter(state=State.FAILED)), then=Value(State.FAILED)),
                default=Value(State.CANCELLED),
            ),
            finished_at=Now(),
        )


class Job(models.Model):
    id = models.CharField(primary_key=True, max_length=40, default=partial(new_id, "job"), editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="jobs")
    api_key = models.ForeignKey("accounts.ApiKey", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    kind = models.CharField(max_length=32)
    state = models.CharField(max_length=16, choices=State, default=State.QUEUED)
    total = models.PositiveIntegerField(default=0)
    completed = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    cancelled = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    started_at = models.DateTimeField(null=True, editable=False)
    finished_at = models.DateTimeField(null=True, editable=False)

    objects = JobRows.as_manager()

    class Meta:
        indexes = [models.Index(fields=["owner", "-id"], name="job_of_owner")]

    def __str__(self) -> str:
        return self.id


class ItemRows(Owned):
    def claimable(self) -> Self:
        """Queued and due, or running under a lease that has run out; not asked to stop, and with an attempt left."""
        return self.filter(
            Q(state=State.QUEUED, due_at__lte=Now()) | Q(state=State.RUNNING, lease_until__lt=Now()),
            attempt__lt=F("attempts_allowed"),
            stop_asked_at=None,
        )

    def lost(self) -> Self:
        """Claimable, and with no message that is still on its way: rung for in vain, or not at all."""
        unheard = Q(rung_at=None)
        for rings, patience in PATIENCE:
            unheard |= Q(rings__lte=rings, rung_at__lt=Now() - patience)
        dropped = Q(state=State.RUNNING, rung_at__lt=F("lease_until"))
        return self.claimable().filter(unheard | dropped)

    def abandoned(self) -> Self:
        """Left by a worker that went away, with no attempt left or a wish to stop."""
        given_up = Q(attempt__gte=F("attempts_allowed")) | Q(stop_asked_at__isnull=False)
        return self.filter(given_up, state=State.RUNNING, lease_until__lt=Now())

    def held(self, attempt: int) -> Self:
        """Still running in this attempt: whoever took the item over raised the number."""
        return self.filter(state=State.RUNNING, attempt=attempt)


class Item(models.Model):
    id = models.CharField(primary_key=True, max_length=40, default=partial(new_id, "item"), editable=False)
    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="items")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    position = models.PositiveIntegerField(default=0)
    actor = models.CharField(max_length=64)
    # the name of the Dramatiq actor that makes it
    voice = models.ForeignKey("voice.Voice", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    text = models.TextField(blank=True)
    options = models.JSONField(default=dict)
    # the resolved configuration: everything but the text that the result depends on
    format = models.CharField(max_length=16)
    media_type = models.CharField(max_length=64)
    output_id = models.CharField(max_length=40, default=partial(new_id, "out"), editable=False)
    # what the output will be called, so that it can be told before it exists
    store = models.BooleanField(default=True)
    streamed = models.BooleanField(default=True)
    # False: nothing is told before all of it is made

    state = models.CharField(max_length=16, choices=State, default=State.QUEUED)
    attempt = models.PositiveSmallIntegerField(default=0)
    # attempts begun, never lowered; with the state it is the fencing token
    attempts_allowed = models.PositiveSmallIntegerField(default=_max_attempts)
    worker = models.CharField(max_length=80, blank=True)
    lease_until = models.DateTimeField(null=True, editable=False)
    due_at = models.DateTimeField(db_default=Now(), editable=False)
    # not before
    rung_at = models.DateTimeField(null=True, db_default=Now(), editable=False)
    # when its message was last sent; empty when that failed
    rings = models.PositiveSmallIntegerField(default=1)
    # messages sent
    stop_asked_at = models.DateTimeField(null=True, editable=False)
    error_code = models.CharField(max_length=64, blank=True)
    error_message = models.CharField(max_length=LONGEST_REASON, blank=True)
    error_status = models.PositiveSmallIntegerField(default=0)
    # what an HTTP client that waits for the item is answered with
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    started_at = models.DateTimeField(null=True, editable=False)
    finished_at = models.DateTimeField(null=True, editable=False)

    objects = ItemRows.as_manager()

    class Meta:
        ordering = ["job", "position"]
        indexes = [
            models.Index(fields=["state", "rung_at"], condition=Q(state="queued"), name="item_queued"),
            models.Index(fields=["lease_until"], condition=Q(state="running"), name="item_running"),
            models.Index(fields=["job", "state"], name="item_of_job"),
        ]
        constraints = [models.UniqueConstraint(fields=["output_id"], name="item_one_output")]

    def __str__(self) -> str:
        return self.id

    def claim(self, *, worker: str, lease: timedelta) -> bool:
        """Take the item for one more attempt; False when someone else has it or it is over."""
        taken = Item.objects.claimable().filter(pk=self.pk, attempt=self.attempt)
        won = taken.update(
            state=State.RUNNING,
            attempt=F("attempt") + 1,
            worker=worker,
            lease_until=Now() + lease,
            started_at=Now(),
        )
        if won:
            self.attempt += 1
            Job.objects.filter(pk=self.job_id, state=State.QUEUED).update(state=State.RUNNING, started_at=Now())
        return won == 1

    def renew(self, *, lease: timedelta) -> bool:
        """Keep the lease of this attempt; False when it was lost, or when the item is to stop."""
        return Item.objects.held(self.attempt).filter(pk=self.pk, stop_asked_at=None).update(lease_until=Now() + lease) == 1

    def requeue(self, *, delay: timedelta) -> bool:
        """Give this attempt up for a later one; False when it was the last one, lost, or the item is to stop."""
        held = Item.objects.held(self.attempt).filter(pk=self.pk, stop_asked_at=None, attempt__lt=F("attempts_allowed"))
        return held.update(state=State.QUEUED, lease_until=None, due_at=Now() + delay, rung_at=None, rings=0) == 1

    def end(self, state: State, error: Refusal | None = None) -> bool:
        """Finish this attempt, and with it the item; False when it was no longer this attempt's to finish."""
        return self._end(Item.objects.held(self.attempt), state, error)

    def end_abandoned(self) -> bool:
        """End what a worker left behind: as cancelled if that was wished, as failed otherwise."""
        if self.stop_asked_at is not None:
            return self._end(Item.objects.abandoned(), State.CANCELLED, Cancelled())
        return self._end(Item.objects.abandoned(), State.FAILED, WorkerCrashed())

    def cancel(self) -> bool:
        """End it at once if no worker has it, else ask its worker to stop; False when it is over."""
        for _ in range(2):  # twice, for its worker may give it back in between
            if self._end(Item.objects.filter(state=State.QUEUED), State.CANCELLED, Cancelled()):
                return True
            if Item.objects.filter(pk=self.pk, state=State.RUNNING).update(stop_asked_at=Now()):
                return True
        return False

    def retry(self) -> bool:
        """Queue a failed item anew; False when it is not one."""
        with transaction.atomic():
            again = Item.objects.filter(pk=self.pk, state=State.FAILED).update(
                state=State.QUEUED,
                attempts_allowed=F("attempt") + settings.MAX_ATTEMPTS,
                due_at=Now(),
                rung_at=None,
                rings=0,
                stop_asked_at=None,
                finished_at=None,
            )
            if again:
                Job.objects.filter(pk=self.job_id).update(failed=F("failed") - 1, state=State.QUEUED, finished_at=None)
        return again == 1

    @property
    def error(self) -> Refusal:
        """Why it is over without an output."""
        refusal = Refusal(self.error_message, code=self.error_code, status=self.error_status)
        if self.error_status >= WorkerCrashed.status:
            refusal.type = WorkerCrashed.type
        if self.error_status == Cancelled.status:
            refusal.should_retry = Cancelled.should_retry
        return refusal

    @transaction.atomic
    def _end(self, rows: ItemRows, state: State, error: Refusal | None) -> bool:
        why = {"error_code": error.code, "error_message": error.message[:LONGEST_REASON], "error_status": error.status} if error else {}
        ended = rows.filter(pk=self.pk).update(state=state, lease_until=None, finished_at=Now(), **why)
        if ended:
            Job.objects.filter(pk=self.job_id).update(**{state.value: F(state.value) + 1})
            Job.objects.settle(self.job_id)
        return ended == 1


class Output(models.Model):
    id = models.CharField(primary_key=True, max_length=40, editable=False)
    item = models.OneToOneField(Item, on_delete=models.CASCADE, related_name="output")
    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="outputs")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    attempt = models.PositiveSmallIntegerField()
    # the one that made it
    file = models.FileField(max_length=200)
    format = models.CharField(max_length=16)
    media_type = models.CharField(max_length=64)
    seconds = models.FloatField()
    bytes = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    configuration = models.JSONField(default=dict)
    # what made it, resolved: engine, model, voice and every option
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = Owned.as_manager()

    class Meta:
        indexes = [models.Index(fields=["owner", "-id"], name="output_of_owner")]

    def __str__(self) -> str:
        return self.id

    @property
    def filename(self) -> str:
        return f"{self.id}.{self.format}"

    @property
    def blob(self) -> str:
        """The name of its bytes in the storage."""
        return self.file.name or ""

    def forget(self) -> None:
        """Remove the row, and once that is certain the file."""
        with transaction.atomic():
            self.delete()
            transaction.on_commit(partial(self.file.storage.delete, self.blob))


class WorkerRows(models.QuerySet["Worker"]):
    def alive(self) -> Self:
        return self.filter(seen_at__gt=Now() - WORKER_SILENCE)

    def gone(self) -> Self:
        return self.filter(seen_at__lt=Now() - 6 * WORKER_SILENCE)


class Worker(models.Model):
    """A process that makes items, as it last reported itself."""

    id = models.CharField(primary_key=True, max_length=80)
    # host, process and a number that tells apart what the system numbers anew
    threads = models.PositiveSmallIntegerField()
    queues = models.JSONField(default=list)
    started_at = models.DateTimeField(db_default=Now(), editable=False)
    seen_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = WorkerRows.as_manager()

    def __str__(self) -> str:
        return self.id
