"""What happens across rows: submit, cancel, retry."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Q, Sum
from django.db.models.functions import Now

from accounts import quotas
from accounts.models import ApiKey, User
from accounts.quotas import Allowance, Amount, Reservation
from accounts.replays import Asked, Done
from config.errors import Unavailable
from jobs import metrics, reuse, storage, tracing
from jobs.dealing import actors_of, deal, is_batch, queue_of, ring_all, tell_the_end
from jobs.errors import Cancelled, InvalidState
from jobs.limits import refuse_in_maintenance, refuse_too_many, refuse_when_full, refuse_when_overloaded
from jobs.models import OPEN, Blob, Item, Job, Output, State, Webhook
from jobs.reuse import reuse_key
from jobs.streams import streams
from jobs.tracing import Kind

RETRY_WINDOW = timedelta(minutes=2)
# how long after a request without a key another try of it is known for one
ROWS_AT_ONCE = 1000
SECONDS_A_DAY = 86_400

Submitted = TypeVar("Submitted")


@dataclass(frozen=True, slots=True)
class Order:
    """One item to be made."""

    actor: str
    # the name of its Dramatiq actor
    text: str
    format: str
    media_type: str
    expected: Amount
    # what it will come to, as far as can be said before
    voice_id: str | None = None
    source: Blob | None = None
    # the bytes to work on
    ref: str = ""
    store: bool = True
    bytes: int = 0
    # that its output will have if it is stored, as far as can be said before
    streamed: bool = True
    # False: nothing is told before all of it is made
    expires_after: int | None = None
    # seconds that its output is kept
    fresh: bool = False
    # made anew even if there is the same already
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def reuse_key(self) -> str:
        if not self.store:
            return ""
        return reuse_key(text=self.text, options=self.options, format=self.format, source=self.source.sha256 if self.source else None)


@dataclass(frozen=True, slots=True)
class About:
    """What a job says of itself beside its items."""

    name: str = ""
    metadata: dict[str, str] = field(default_factory=dict)
    priority: int = 0
    webhook: Webhook | None = None
    request_hash: str = ""
    listed: bool = True
    # False: its owner sees nothing of it

    @classmethod
    def of(cls, asked: Asked, **fields: Any) -> About:
        """With what tells the request from others, where its client counts its tries and has no key for it."""
        return cls(request_hash="" if asked.key else asked.fingerprint, **fields)


def retried(owner: User, asked: Asked) -> Done | None:
    """The job that a request made whose client says that it tries again, unless that came to nothing."""
    if asked.key or not asked.attempt:
        return None
    made = Job.objects.of(owner).filter(request_hash=asked.fingerprint, created_at__gt=Now() - RETRY_WINDOW)
    job = made.exclude(state__in=[State.FAILED, State.CANCELLED]).order_by("-pk").first()
    return None if job is None else Done(job.pk, replayed=True)


def despite_deletions(request: Callable[[], Submitted]) -> Submitted:
    """What a request to submit comes to. Never within a transaction.

    Foreign keys are looked at when it is committed. Where one of them fails there, for what it names was deleted since it was looked up,
    everything is looked up once more, and refused for what is missing.
    """
    try:
        return request()
    except IntegrityError:
        return request()


@tracing.spanned("submit", Kind.PRODUCER)
def submit(
    *, owner: User, api_key: ApiKey | None, kind: str, orders: Sequence[Order], about: About | None = None, allowed: Allowance | None = None
) -> Job:
    """Write the job and its items in one transaction; their messages leave when it is committed.

    `allowed` is what the owner may use, where that was asked a moment ago.
    InsufficientQuota, RateLimited or StorageFull when the owner may have no more, Overloaded when there is no room or nobody to do it,
    Maintenance when staff have no new work accepted.
    """
    about = about or About()
    if about.listed:
        # steps of what was accepted before are let through
        refuse_in_maintenance()
    batch = is_batch(orders[0].actor)
    if not batch:
        queue = queue_of(orders[0].actor)
        refuse_when_overloaded(len(orders), queue=queue, actors=actors_of(queue))
    keys = [order.reuse_key for order in orders]
    wanted = {key for key, order in zip(keys, orders, strict=True) if key and not order.fresh}
    with transaction.atomic():
        for source in {order.source for order in orders if order.source is not None}:
            storage.hold(source)
        allowed = allowed or quotas.allowance(owner)
        cheap = reuse.stored(owner, wanted)
        percent = allowed.plan.reuse_percent
        amounts = [
            order.expected.share(percent) if key in cheap and not order.fresh else order.expected
            for key, order in zip(keys, orders, strict=True)
        ]
        reservation = quotas.reserve(owner, kind, quotas.total(amounts), allowed)
        # from here on, nobody else submits for this owner until the end of the transaction
        if about.listed:
            refuse_too_many(owner, allowed)
        # what is the same is stored once
        new = {key or str(place): order.bytes for place, (key, order) in enumerate(zip(keys, orders, strict=True)) if order.store}
        expected_bytes = sum(number for key, number in new.items() if key not in cheap)
        refuse_when_full(owner, allowed, expected_bytes, brought=any(order.source is not None for order in orders))
        job = Job.objects.create(
            owner=owner,
            api_key=api_key,
            kind=kind,
            total=len(orders),
            expected_bytes=expected_bytes,
            name=about.name,
            metadata=about.metadata,
            priority=about.priority,
            webhook=about.webhook,
            announced=batch and (about.webhook is not None or Webhook.objects.of(owner).every().exists()),
            request_hash=about.request_hash,
            listed=about.listed,
            request_id=tracing.request_id(),
            traceparent=tracing.traceparent(),
        )
        retention = allowed.plan.retention_days
        items = [
            Item(
                job=job,
                owner=owner,
                position=position,
                actor=order.actor,
                batch=batch,
                priority=about.priority,
                ref=order.ref,
                voice_id=order.voice_id,
                text=order.text,
                source=order.source,
                options=order.options,
                format=order.format,
                media_type=order.media_type,
                store=order.store,
                streamed=order.streamed,
                expires_after=_shortest(order.expires_after, retention),
                reuse_key=key,
                characters=amount.characters,
                milliseconds=amount.milliseconds,
                period_starts_at=reservation.starts_at,
                # plain values: with an expression among them PostgreSQL would be sent a statement of 40,000 parameters
                created_at=allowed.now,
                due_at=allowed.now,
                rung_at=None if batch else allowed.now,
                rings=0 if batch else 1,
            )
            for position, (order, key, amount) in enumerate(zip(orders, keys, amounts, strict=True))
        ]
        _write(job, items, orders, reuse_among=wanted, percent=percent, reservation=reservation)
        if batch:
            transaction.on_commit(partial(deal, owner.pk))
        else:
            transaction.on_commit(partial(ring_all, [item for item in items if item.state == State.QUEUED and item.twin_id is None]))
    job.written = items
    tracing.note(job_id=job.pk, kind=kind, items=len(items), request_id=job.request_id)
    metrics.SUBMITTED.labels(kind, "batch" if batch else "live").inc(len(items))
    return job


def cancel(*, job: Job) -> None:
    """End what is queued, stop what runs. InvalidState when the job is over."""
    if job.state not in OPEN:
        raise InvalidState(f"The job is {job.state}.")
    _end_together(job, job.items.filter(state=State.QUEUED, batch=True, twins=None))
    for item in job.items.filter(state__in=OPEN):
        stop(item=item)


def stop(*, item: Item) -> bool:
    """Cancel one item, and tell whoever follows it; a running one is told of by its worker."""
    stopped = item.cancel()
    item.refresh_from_db(fields=["state", "attempt", "error_code"])
    if item.state == State.CANCELLED:
        if stopped:
            # else it was counted when it ended
            metrics.ended(item, State.CANCELLED, item.error_code)
        tell_the_end(item)
    return stopped


def leave(*, item: Item) -> None:
    """Nobody listens to an item any more: stop it, unless others wait for what it makes."""
    if not item.twins.filter(state__in=OPEN).exists():
        stop(item=item)


def retry(*, job: Job, only: Q | None = None) -> int:
    """Queue the failed items anew, or those `only`, and say how many. InvalidState when there are none, InsufficientQuota when they are
    too much.
    """
    with transaction.atomic():
        # the job's row before the quota's, as everywhere
        owner = Job.objects.select_for_update(of=("self",)).select_related("owner").get(pk=job.pk).owner
        failed = job.items.filter(only or Q(), state=State.FAILED)
        amount, number = _sum(failed)
        if not number:
            raise InvalidState("The job has no such failed items." if only else "The job has no failed items.")
        allowed = quotas.allowance(owner)
        reservation = quotas.reserve(owner, job.kind, amount, allowed)
        refuse_when_full(owner, allowed, job.expected_bytes * number // job.total, brought=False)
        again = list(failed.filter(batch=False))
        failed.update(
            state=State.QUEUED,
            attempts_allowed=F("attempt") + settings.MAX_ATTEMPTS,
            due_at=Now(),
            rung_at=None,
            rings=0,
            stop_asked_at=None,
            finished_at=None,
            sequence=None,
            period_starts_at=reservation.starts_at,
        )
        # a number for the end that was told: what is told from now on comes after it
        Job.objects.filter(pk=job.pk).update(failed=F("failed") - number, sequence=F("sequence") + 1, state=State.QUEUED, finished_at=None)
        transaction.on_commit(partial(deal, owner.pk))
    for item in again:
        _forget(item)
    ring_all(again)
    return number


def move(*, job: Job, priority: int) -> None:
    """Put what is queued of a job before or behind its owner's other jobs. InvalidState where nothing of it waits for its turn."""
    with transaction.atomic():
        if not Job.objects.filter(pk=job.pk, state__in=OPEN).update(priority=priority):
            raise InvalidState(f"The job is {job.state}.")
        if not job.items.filter(state=State.QUEUED, batch=True).update(priority=priority):
            raise InvalidState("Nothing of this job waits for its turn: it is being made, or somebody listens to it.")


def _write(job: Job, items: list[Item], orders: Sequence[Order], *, reuse_among: set[str], percent: int, reservation: Reservation) -> None:
    """Insert the items. What is stored already ends at once, what is being made already waits for that."""
    stored, in_flight = reuse.found(job.owner, reuse_among)
    served: list[Item] = []
    for item in items:
        if item.reuse_key not in reuse_among:
            continue
        if item.reuse_key in stored:
            item.state, item.finished_at, item.started_at, item.period_starts_at = State.COMPLETED, Now(), Now(), None
            item.source = None
            served.append(item)
            item.sequence = len(served)
        elif first := in_flight.get(item.reuse_key):
            item.twin_id = first
        else:
            in_flight[item.reuse_key] = item.pk
    Item.objects.bulk_create(items, batch_size=ROWS_AT_ONCE)
    twins = sum(item.twin_id is not None for item in items)
    for source, number in ((metrics.STORED, len(served)), (metrics.IN_FLIGHT, twins), (metrics.MADE, len(items) - len(served) - twins)):
        metrics.REUSED.labels(source).inc(number)
    if not served:
        return
    pairs = [
        reuse.serve(item, stored[item.reuse_key], characters=orders[item.position].expected.characters, percent=percent) for item in served
    ]
    Output.objects.bulk_create((output for output, _ in pairs), batch_size=ROWS_AT_ONCE)
    Job.objects.count_end(job, State.COMPLETED, len(served), sequences=len(served))
    share = quotas.total(Amount(item.characters, item.milliseconds) for item in served)
    quotas.settle(replace(reservation, amount=share), [charge for _, charge in pairs])
    job.refresh_from_db()


@transaction.atomic
def _end_together(job: Job, queued: Any) -> None:
    """Cancel queued items of one job at once: one by one, ten thousand would take a minute."""
    why = {"error_code": Cancelled.code, "error_message": Cancelled.message, "error_status": Cancelled.status}
    number = queued.update(state=State.CANCELLED, finished_at=Now(), **why)
    if not number:
        return
    # they have no numbers of their own: one event tells of all of them
    Job.objects.count_end(job, State.CANCELLED, number)
    metrics.ENDED.labels(job.kind, State.CANCELLED, Cancelled.code).inc(number)
    ended = job.items.filter(state=State.CANCELLED, period_starts_at__isnull=False)
    for starts_at in list(ended.values_list("period_starts_at", flat=True).distinct().order_by()):
        amount, _ = _sum(ended.filter(period_starts_at=starts_at))
        quotas.settle(Reservation(owner_id=job.owner_id, kind=job.kind, starts_at=starts_at, amount=amount), [])
    ended.update(period_starts_at=None)


def _sum(items: Any) -> tuple[Amount, int]:
    found = items.order_by().aggregate(characters=Sum("characters", default=0), milliseconds=Sum("milliseconds", default=0))
    return Amount(**found), items.count()


def _shortest(asked: int | None, days: int | None) -> int | None:
    """Seconds that an output is kept: as asked, but no longer than the plan says."""
    most = None if days is None else days * SECONDS_A_DAY
    return min((span for span in (asked, most) if span is not None), default=None)


def _forget(item: Item) -> None:
    try:
        streams().drop(item.pk)
    except Unavailable:
        # it runs out by itself, and no reader takes an earlier try's end for this one's
        return
