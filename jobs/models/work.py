"""Durable work. A Job is what somebody asked for, an Item one piece of it that one actor makes.

The rows are the truth; a message is only a doorbell. Every change of state is one conditional UPDATE whose row count is the answer,
and every lease is measured by the database's clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial, reduce
from operator import or_
from typing import Any, Self

from django.conf import settings
from django.db import models, transaction
from django.db.models import Case, F, Q, Subquery, Sum, Value, When
from django.db.models.functions import Now

from accounts import quotas
from accounts.errors import InsufficientQuota
from accounts.ids import new_id
from accounts.models import Owned
from accounts.quotas import Charge
from config.errors import Refusal
from jobs.errors import Cancelled, WorkerCrashed
from jobs.models.webhooks import Delivery

FALLBACK = "fallback"
# in a configuration: what really made the result, in place of what was asked for
LONGEST_REASON = 500
# characters of an error that are kept
RETRIED_WITHIN = timedelta(days=1)
# of a failure; afterwards what the item worked on may be gone
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
    def open(self) -> Self:
        return self.filter(state__in=OPEN)

    def listed(self) -> Self:
        """Those that their owner asked for, and not the steps on the way to something else."""
        return self.filter(listed=True)

    def bytes_to_come(self) -> int:
        """What the outputs of these jobs that are not made yet are expected to come to."""
        to_come = F("expected_bytes") * (F("total") - F("completed") - F("failed") - F("cancelled")) / F("total")
        found: int = self.open().filter(expected_bytes__gt=0).aggregate(sum=Sum(to_come, default=0))["sum"]
        return found

    def count_end(self, job: Job, state: State, number: int = 1, *, sequences: int = 1) -> None:
        """Count items of a job that ended so; the job is over with the last of them, and what it is then follows from the counts.

        Whoever is to be told of a job's end is noted in the same transaction.
        """
        ended = F("completed") + F("failed") + F("cancelled") + number
        over = Q(total__lte=ended)
        won = Value(state == State.COMPLETED)
        lost = Value(state == State.FAILED)
        self.filter(pk=job.pk).update(
            **{state.value: F(state.value) + number},
            sequence=F("sequence") + sequences,
            state=Case(
                When(over & (Q(completed__gt=0) | Q(won)), then=Value(State.COMPLETED)),
                When(over & (Q(failed__gt=0) | Q(lost)), then=Value(State.FAILED)),
                When(over, then=Value(State.CANCELLED)),
                default=F("state"),
            ),
            finished_at=Case(When(over, then=Now()), default=F("finished_at")),
        )
        if not job.announced:
            return
        for over_now in self.filter(pk=job.pk).exclude(state__in=OPEN):
            Delivery.objects.announce(
                owner_id=job.owner_id,
                webhook_id=over_now.webhook_id,
                job_id=job.pk,
                event=f"job.{over_now.state}",
                data=over_now.summary(),
            )


class Job(models.Model):
    id = models.CharField(primary_key=True, max_length=40, default=partial(new_id, "job"), editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="jobs")
    api_key = models.ForeignKey("accounts.ApiKey", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    kind = models.CharField(max_length=32)
    name = models.CharField(max_length=200, blank=True)
    metadata = models.JSONField(default=dict)
    priority = models.PositiveSmallIntegerField(default=0)
    # among the jobs of its owner; the highest first
    webhook = models.ForeignKey("jobs.Webhook", null=True, blank=True, on_delete=models.SET_NULL, related_name="jobs")
    # told of the end, beside those that are told of every job
    announced = models.BooleanField(default=False)
    # whether anybody is to be told; never changed
    listed = models.BooleanField(default=True)
    # False: a step on the way to something else, of which its owner sees nothing
    request_hash = models.CharField(max_length=64, blank=True)
    # of a request that came without a key of its own, so that its retry can be known
    request_id = models.CharField(max_length=64, blank=True, default="", db_default="", editable=False)
    # of the request that it came with; what workers log of it names that
    traceparent = models.CharField(max_length=55, blank=True, default="", db_default="", editable=False)
    # of the step that submitted it, as W3C writes it: the workers' steps are parts of the same trace
    state = models.CharField(max_length=16, choices=State, default=State.QUEUED)
    sequence = models.PositiveIntegerField(default=0)
    # of the last event: one for each item that ended, without a gap
    total = models.PositiveIntegerField(default=0)
    expected_bytes = models.PositiveBigIntegerField(default=0, editable=False)
    # that the outputs of all its items are expected to take up
    completed = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    cancelled = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    started_at = models.DateTimeField(null=True, editable=False)
    finished_at = models.DateTimeField(null=True, editable=False)
    written: Sequence[Item]
    # its items, where `jobs.services.submit` has just written them

    objects = JobRows.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["owner", "-id"], name="job_of_owner"),
            models.Index(fields=["owner", "state", "-id"], name="job_of_owner_by_state"),
            models.Index(fields=["id"], condition=Q(state__in=["queued", "running"]), name="job_open"),
            models.Index(fields=["owner", "request_hash"], condition=~Q(request_hash=""), name="job_of_request"),
        ]

    def __str__(self) -> str:
        return self.id

    @property
    def ended(self) -> int:
        """Items that are over."""
        return self.completed + self.failed + self.cancelled

    def summary(self) -> dict[str, Any]:
        """What is told of it where nobody asks for more."""
        return {
            "id": self.pk,
            "object": "job",
            "name": self.name,
            "metadata": self.metadata,
            "state": self.state,
            "counts": {"total": self.total, "completed": self.completed, "failed": self.failed, "cancelled": self.cancelled},
        }


class ItemRows(Owned):
    def claimable(self) -> Self:
        """Queued and due, or running under a lease that has run out; not asked to stop, and with an attempt left."""
        return self.filter(
            Q(state=State.QUEUED, due_at__lte=Now()) | Q(state=State.RUNNING, lease_until__lt=Now()),
            attempt__lt=F("attempts_allowed"),
            stop_asked_at=None,
            twin=None,
        )

    def queued(self, actor: str) -> Self:
        """What waits for an actor, the oldest first."""
        return self.filter(state=State.QUEUED, actor=actor).order_by("created_at")

    def ended_since(self, since: Any, *states: State) -> Self:
        """Those that ended so, from a moment on."""
        return self.filter(state__in=states, finished_at__gte=since).order_by()

    def waiting(self) -> Self:
        """Of a batch, and not yet dealt: no message was sent, for its owner has as many on the way as is fair."""
        return self.filter(batch=True, state=State.QUEUED, rung_at=None, twin=None)

    def dealt(self) -> Self:
        """Of a batch, and on the way to a worker or with one."""
        return self.filter(batch=True, state__in=OPEN, rung_at__isnull=False)

    def lost(self) -> Self:
        """Claimable, and with no message that is still on its way: rung for in vain, or not at all."""
        unheard = Q(rung_at=None, batch=False)
        for rings, patience in PATIENCE:
            unheard |= Q(rings__lte=rings, rung_at__lt=Now() - patience)
        dropped = Q(state=State.RUNNING, rung_at__lt=F("lease_until"))
        return self.claimable().filter(unheard | dropped)

    def abandoned(self) -> Self:
        """Left by a worker that went away, with no attempt left or a wish to stop."""
        given_up = Q(attempt__gte=F("attempts_allowed")) | Q(stop_asked_at__isnull=False)
        return self.filter(given_up, state=State.RUNNING, lease_until__lt=Now())

    def orphaned(self) -> Self:
        """Twins of an item that is over."""
        return self.filter(state=State.QUEUED, twin__isnull=False).exclude(twin__state__in=OPEN)

    def held(self, attempt: int) -> Self:
        """Still running in this attempt: whoever took the item over raised the number."""
        return self.filter(state=State.RUNNING, attempt=attempt)

    def renew(self, claimed: Sequence[Item], *, lease: timedelta) -> set[str]:
        """Keep the leases of these attempts, and tell the ids of those that were lost, or whose item is to stop.

        A row that somebody has locked is passed over, until the next time: waiting for one would cost the others their leases.
        """
        ours = reduce(or_, (Q(pk=item.pk, attempt=item.attempt) for item in claimed), Q(pk=None))
        held = self.filter(ours, state=State.RUNNING, stop_asked_at=None).order_by()
        with transaction.atomic():
            free = held.select_for_update(skip_locked=True, no_key=True).values("pk")
            if self.filter(pk__in=free).update(lease_until=Now() + lease) == len(claimed):
                return set()
        return {item.pk for item in claimed} - set(held.values_list("pk", flat=True))

    def done_with_source(self) -> Self:
        """Those that need the bytes which they worked on no more: over, and not to be tried again."""
        for_good = Q(state__in=[State.COMPLETED, State.CANCELLED]) | Q(state=State.FAILED, finished_at__lt=Now() - RETRIED_WITHIN)
        return self.filter(for_good, source__isnull=False)


class Item(models.Model):
    id = models.CharField(primary_key=True, max_length=40, default=partial(new_id, "item"), editable=False)
    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="items", db_index=False)  # an index below begins with it
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    position = models.PositiveIntegerField(default=0)
    actor = models.CharField(max_length=64)
    # the name of the Dramatiq actor that makes it
    voice = models.ForeignKey("voice.Voice", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    batch = models.BooleanField(default=False)
    # nobody listens while it is made: it is dealt in its turn
    priority = models.PositiveSmallIntegerField(default=0)
    # its job's
    ref = models.CharField(max_length=200, blank=True)
    # what its owner calls it
    text = models.TextField(blank=True)
    source = models.ForeignKey("jobs.Blob", null=True, blank=True, on_delete=models.PROTECT, related_name="sources", db_index=False)
    # the bytes that it works on, until it is done with them
    options = models.JSONField(default=dict)
    # the resolved configuration: everything but the text that the result depends on; with FALLBACK once something else made it
    format = models.CharField(max_length=16)
    media_type = models.CharField(max_length=64)
    output_id = models.CharField(max_length=40, default=partial(new_id, "out"), editable=False)
    # what the output will be called, so that it can be told before it exists
    store = models.BooleanField(default=True)
    streamed = models.BooleanField(default=True)
    # False: nothing is told before all of it is made
    expires_after = models.PositiveIntegerField(null=True)
    # seconds that the output is kept; none: for ever
    reuse_key = models.CharField(max_length=64, blank=True)
    # SHA-256 of text and options: items with the same one have the same result
    twin = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="twins", db_index=False)
    # the item that is being made already, whose result this one shares
    characters = models.PositiveIntegerField(default=0)
    milliseconds = models.PositiveBigIntegerField(default=0)
    # what it is expected to come to
    period_starts_at = models.DateTimeField(null=True, editable=False)
    # of the Quota where as much is reserved; empty when nothing is

    state = models.CharField(max_length=16, choices=State, default=State.QUEUED)
    attempt = models.PositiveSmallIntegerField(default=0)
    # attempts begun, never lowered; with the state it is the fencing token
    attempts_allowed = models.PositiveSmallIntegerField(default=_max_attempts)
    worker = models.CharField(max_length=80, blank=True)
    lease_until = models.DateTimeField(null=True, editable=False)
    due_at = models.DateTimeField(db_default=Now(), editable=False)
    # not before
    rung_at = models.DateTimeField(null=True, db_default=Now(), editable=False)
    # when its message was last sent; empty when that failed, or was not done yet
    rings = models.PositiveSmallIntegerField(default=1)
    # messages sent
    stop_asked_at = models.DateTimeField(null=True, editable=False)
    error_code = models.CharField(max_length=64, blank=True)
    error_message = models.CharField(max_length=LONGEST_REASON, blank=True)
    error_status = models.PositiveSmallIntegerField(default=0)
    # what an HTTP client that waits for the item is answered with
    sequence = models.PositiveIntegerField(null=True, editable=False)
    # of its end among its job's
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    started_at = models.DateTimeField(null=True, editable=False)
    finished_at = models.DateTimeField(null=True, editable=False)

    objects = ItemRows.as_manager()

    class Meta:
        ordering = ["job", "position"]
        indexes = [
            models.Index(fields=["rung_at"], condition=Q(state="queued", rung_at__isnull=False), name="item_rung"),
            models.Index(fields=["due_at"], condition=Q(state="queued", batch=False), name="item_live"),
            models.Index(
                fields=["owner", "-priority", "job", "position"], condition=Q(state="queued", rung_at=None, batch=True), name="item_waiting"
            ),
            models.Index(
                fields=["owner"], condition=Q(state__in=["queued", "running"], rung_at__isnull=False, batch=True), name="item_dealt"
            ),
            models.Index(fields=["lease_until"], condition=Q(state="running"), name="item_running"),
            models.Index(fields=["job", "position"], name="item_of_job"),
            models.Index(fields=["job", "state", "position"], name="item_of_job_by_state"),
            models.Index(fields=["job", "sequence"], name="item_by_sequence"),
            models.Index(fields=["finished_at", "error_code", "owner"], condition=Q(state="failed"), name="item_failed"),
            models.Index(fields=["error_code", "-id"], condition=Q(state="failed"), name="item_failed_for"),
            models.Index(fields=["source"], condition=Q(source__isnull=False), name="item_of_source"),
            models.Index(fields=["twin"], condition=Q(state="queued", twin__isnull=False), name="item_twin"),
            models.Index(
                fields=["owner", "reuse_key"], condition=Q(state__in=["queued", "running"]) & ~Q(reuse_key=""), name="item_in_flight"
            ),
        ]
        indexes += [
            # what the admin's front page counts: what waits for each actor, and how what is over ended
            models.Index(fields=["actor", "created_at"], condition=Q(state="queued"), name="item_queued"),
            models.Index(fields=["state", "finished_at"], condition=Q(finished_at__isnull=False), name="item_ended"),
            # and what it lists of one actor
            models.Index(fields=["actor", "-id"], name="item_of_actor"),
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
        if won and self.job.listed:
            # of a step nobody asks how far it is, and somebody waits for what comes of it
            Job.objects.filter(pk=self.job_id, state=State.QUEUED).update(state=State.RUNNING, started_at=Now())
        return won == 1

    def requeue(self, *, delay: timedelta, once_more: bool = False) -> bool:
        """Give this attempt up for a later one; False when it was the last one, lost, or the item is to stop.

        `once_more` gives it an attempt in place of this one: that there was nowhere to put the result is no fault of the item's.
        """
        if once_more:
            Item.objects.held(self.attempt).filter(pk=self.pk).update(attempts_allowed=F("attempts_allowed") + 1)
        held = Item.objects.held(self.attempt).filter(pk=self.pk, stop_asked_at=None, attempt__lt=F("attempts_allowed"))
        return held.update(state=State.QUEUED, lease_until=None, due_at=Now() + delay, rung_at=None, rings=0) == 1

    def end(self, state: State, error: Refusal | None = None, *, charge: Charge | None = None) -> bool:
        """Finish this attempt, and with it the item; False when it was no longer this attempt's to finish.

        The charge is settled in the same transaction; without one what was reserved is released.
        """
        return self._end(Item.objects.held(self.attempt), state, error, charge)

    def end_as_twin(self, *, charge: Charge) -> bool:
        """Finish an item whose result another one made."""
        return self._end(Item.objects.filter(state=State.QUEUED, twin=self.twin_id), State.COMPLETED, None, charge)

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

    @transaction.atomic
    def expect(self, milliseconds: int) -> None:
        """Set aside for so much audio, where that is more than was thought before. InsufficientQuota when there is not as much left."""
        more, held = milliseconds - self.milliseconds, Item.objects.held(self.attempt).filter(pk=self.pk)
        if more <= 0 or self.period_starts_at is None or not held.update(milliseconds=milliseconds):
            return
        # in the period where the rest is
        allowed = replace(quotas.allowance(self.owner), starts_at=self.period_starts_at)
        quotas.reserve(self.owner, self.job.kind, quotas.Amount(milliseconds=more), allowed)
        self.milliseconds = milliseconds

    def fall_back(self, made_by: dict[str, Any]) -> None:
        """Something else makes it than was asked for: its output and its charge say so, and nobody who asks later is given it."""
        self.options = {**self.options, FALLBACK: made_by}
        Item.objects.held(self.attempt).filter(pk=self.pk).update(reuse_key="")

    @property
    def reused(self) -> bool:
        """Whether its result is one that was made before, or is made for another."""
        return self.twin_id is not None or (self.state == State.COMPLETED and self.attempt == 0)

    @property
    def reservation(self) -> quotas.Reservation | None:
        """What is reserved for it; none when nothing is."""
        if self.period_starts_at is None:
            return None
        amount = quotas.Amount(characters=self.characters, milliseconds=self.milliseconds)
        return quotas.Reservation(owner_id=self.owner_id, kind=self.job.kind, starts_at=self.period_starts_at, amount=amount)

    def charge(self, amount: quotas.Amount, *, reused: bool = False) -> Charge:
        """What the ledger is to say of this item."""
        made_by = self.options.get(FALLBACK, self.options)
        return Charge(
            item_id=self.pk,
            api_key_id=self.job.api_key_id,
            amount=amount,
            voice=made_by.get("voice", ""),
            model=made_by.get("model", ""),
            reused=reused,
        )

    @property
    def error(self) -> Refusal:
        """Why it is over without an output."""
        refusal = Refusal(self.error_message, code=self.error_code, status=self.error_status)
        if self.error_status >= WorkerCrashed.status:
            refusal.type = WorkerCrashed.type
        if self.error_status == Cancelled.status:
            refusal.should_retry = Cancelled.should_retry
        if self.error_code == InsufficientQuota.code:
            refusal.type, refusal.should_retry = InsufficientQuota.type, InsufficientQuota.should_retry
        return refusal

    @transaction.atomic(savepoint=False)
    def _end(self, rows: ItemRows, state: State, error: Refusal | None, charge: Charge | None = None) -> bool:
        why = {"error_code": error.code, "error_message": error.message[:LONGEST_REASON], "error_status": error.status} if error else {}
        # an instance from before a retry must not settle what the retry reserved
        ours = rows.filter(pk=self.pk, period_starts_at=self.period_starts_at)
        expected = ours.select_for_update(no_key=True).values_list("milliseconds", flat=True).first()
        if expected is None:
            return False
        # as much as was set aside since this instance was read
        self.milliseconds = expected
        Job.objects.count_end(self.job, state)
        # only now that the job's row is locked is the number its own. Written once: at a row's second change within a transaction
        # PostgreSQL looks at everything that it names, and would wait here, with the quota's row, for whoever has those rows
        number = Job.objects.filter(pk=self.job_id).values("sequence")
        now = {"state": state, "lease_until": None, "finished_at": Now(), "period_starts_at": None, **why}
        Item.objects.filter(pk=self.pk).update(sequence=Subquery(number), **now)
        quotas.settle(self.reservation, [charge] if charge else [])
        return True
