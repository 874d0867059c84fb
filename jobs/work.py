"""What an actor needs: claim an item, write what comes of it, and leave the rest to the end of the `with` block.

    if work := claim(item_id):
        with work:
            work.write(data, seconds=...)

However the block ends, the item's row, its output, its charge and its stream end accordingly. A worker that was thought dead and
comes back changes nothing: every end names the attempt, and the one that took over raised the number.
"""

from __future__ import annotations

import os
import random
import tempfile
import threading
import time
from contextlib import AbstractContextManager
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import structlog
from django.conf import settings
from django.db import Error as DatabaseFault
from django.db import IntegrityError, transaction
from dramatiq.middleware import TimeLimitExceeded

from accounts.models.ledger import MILLISECONDS
from accounts.quotas import Amount, Charge
from config.errors import InternalError, Refusal, Unavailable
from jobs import metrics, storage, timestamps, tracing
from jobs.connections import give_back
from jobs.dealing import deal_next, queue_of
from jobs.errors import Cancelled, OutputTooLarge, StorageUnavailable, TimedOut
from jobs.keeper import keeper
from jobs.models import Item, Output, State
from jobs.reuse import end_twins
from jobs.streams import streams
from jobs.streams.base import Entry, Kind

log = structlog.get_logger("work")

FIRST_DELAY = timedelta(milliseconds=500)
# before the second attempt of an item that met a passing fault; doubled for each further one
LONGEST_DELAY = timedelta(minutes=1)
JITTER = 0.25
# of a delay, at most, that is added by chance: what failed together must not come back together
OUTAGE_ATTEMPTS = 12
# of an item that nobody waits for while a part of the service is away: some four minutes
SILENCE = 5.0
# seconds without a try after the stream could not be reached: one that hangs would hold up every block
COURTESY = 0.1
# seconds at most in which an item that nobody waits for lets go first what somebody does: before it is begun, on the way, and at its end
MAX_STORES = 5  # of one output
PIECE = 1 << 16
# bytes in which an unstreamed result is told


class Stopped(Exception):
    """The item was cancelled, or another worker has taken it over: leave it."""


def claim(item_id: str) -> Work | None:
    """The item as this worker's for one attempt; None when there is nothing to do for it."""
    item = Item.objects.select_related("job", "voice").filter(pk=item_id).first()
    if item is not None and item.batch:
        # its claim and its first rows cost as much as its sound: they too can wait for what somebody listens to
        keeper.let_pass(COURTESY)
    if item is None or not item.claim(worker=keeper.name, lease=settings.LEASE):
        return None
    give_back()
    structlog.contextvars.bind_contextvars(request_id=item.job.request_id)
    if item.state == State.RUNNING:
        metrics.LEASES_EXPIRED.inc()
    else:
        tracing.past("queue", since=item.due_at, parent=item.job.traceparent, queue=queue_of(item.actor))
        metrics.QUEUE_WAIT.labels(queue_of(item.actor)).observe(metrics.since(item.due_at))
    return Work(item)


class Work(AbstractContextManager["Work"]):
    """One attempt at one item."""

    def __init__(self, item: Item) -> None:
        self.item = item
        self.seconds = 0.0
        # of audio made so far
        self.characters = 0
        # of the text that are in it
        self.findings: dict[str, Any] = {}
        # what there is to say of the result beside its bytes; kept with the output
        self.timestamps = b""
        # JSON of when what is said in it begins and ends; kept beside the output, or told once
        self._written = 0
        self._halted = threading.Event()
        self._silent_until = 0.0
        self._courtesy = COURTESY
        # seconds that it may still wait for others
        self._began = time.monotonic()
        self._deadline = self._began + settings.ITEM_TIME_LIMIT.total_seconds()

    def __enter__(self) -> Self:
        try:
            Path(settings.PARTS_DIR).mkdir(parents=True, exist_ok=True)
            # without a name: a process that is killed leaves nothing behind
            self._file = tempfile.TemporaryFile(dir=settings.PARTS_DIR)
        except OSError:
            self._fail(StorageUnavailable())
            raise
        item = self.item
        self._span = tracing.span(
            f"make {item.job.kind}",
            tracing.Kind.CONSUMER,
            parent=item.job.traceparent,
            item_id=item.pk,
            request_id=item.job.request_id,
            attempt=item.attempt,
            actor=item.actor,
        )
        self._span.__enter__()
        keeper.hold(self)
        self._tell(Entry(Kind.START, self.item.attempt, 0))
        return self

    def halt(self) -> None:
        self._halted.set()

    def check(self) -> None:
        """Raise when the work is to stop: Stopped, or TimedOut. Called between blocks."""
        if self._halted.is_set():
            raise Stopped
        if time.monotonic() > self._deadline:
            raise TimedOut
        if self.item.batch and self._courtesy > 0:
            # what somebody listens to goes first: also where threads are left, processors may not be
            self._courtesy -= keeper.let_pass(self._courtesy)

    def write(self, data: bytes, *, seconds: float = 0.0) -> None:
        """Add to the result and tell whoever follows. `seconds` of audio are what is charged for."""
        self.check()
        self.seconds += seconds
        if not data:
            return
        if not self._written:
            metrics.first_output(self.item)
        self._file.write(data)
        if self.item.streamed:
            self._tell(Entry(Kind.DATA, self.item.attempt, self._written, data))
        self._written += len(data)
        if not self.item.streamed and not self.item.store and self._written > settings.STREAM_BYTES:
            raise OutputTooLarge

    def rewrite_start(self, data: bytes) -> None:
        """Write over the first bytes of the stored result, where a header is only known at the end."""
        self._file.seek(0)
        self._file.write(data)
        self._file.seek(0, os.SEEK_END)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> bool:
        try:
            if self.item.batch:
                # to store it and to write its end down too
                keeper.let_pass(COURTESY)
            self._conclude(error)
            storage.let_go(self.item)
            if self.item.reuse_key:  # else nothing waits for it
                end_twins(self.item)
            if self.item.batch:
                deal_next(self.item.owner_id)
        except DatabaseFault as fault:
            # nothing can be written now; the lease runs out and the sweep gives the item to someone
            log.warning("end not written", reason=repr(fault))
        finally:
            metrics.DURATION.labels(self.item.job.kind, metrics.delivery_of(self.item)).observe(time.monotonic() - self._began)
            self._span.__exit__(kind, error, trace)
            keeper.release(self)
            self._file.close()
        return error is None or isinstance(error, Exception | TimeLimitExceeded)

    def _conclude(self, error: BaseException | None) -> None:
        try:
            match error:
                case None:
                    self._finish()
                case Stopped():
                    self._stop()
                case TimeLimitExceeded():
                    self._fail(TimedOut())
                case Refusal():
                    self._fail(error)
                case OSError() | DatabaseFault():
                    log.warning("passing fault", exc_info=error)
                    self._fail(Unavailable())
                case Exception():
                    log.error("unexpected", exc_info=error)
                    self._fail(InternalError())
                case _:
                    self._fail(Unavailable())
        except StorageUnavailable as refusal:
            self._fail(refusal)

    def _finish(self) -> None:
        """Store the output, then in one transaction end the item, record the output and charge for it; then tell."""
        item = self.item
        self._file.flush()
        ended, output = self._end_with_output()
        if not ended:
            if output is not None:
                for name in output.blobs:
                    storage.remove(name)
            self._stop()
            return
        metrics.ended(item, State.COMPLETED)
        if not item.streamed and not item.batch and item.job.listed:  # whoever wants one of a batch, or a step, finds it stored
            self._tell_all()
        if self.timestamps and output is None:
            # before the end, after which they are looked for
            self._tell(Entry(Kind.END, item.attempt, 0, self.timestamps), key=timestamps.stream_of(item))
        self._tell(Entry(Kind.END, item.attempt, self._written))

    def _end_with_output(self) -> tuple[bool, Output | None]:
        """Store the output, end the item and record both. Return whether the item was still this worker's to end, and the output.

        The same bytes may be removed between the storing and the commit, for their owner may have deleted another output of them. They
        are stored again then.
        """
        for _ in range(MAX_STORES):
            output = self._stored() if self.item.store else None
            try:
                with transaction.atomic():
                    ended = self.item.end(State.COMPLETED, charge=self._charge())
                    if ended and output is not None:
                        output.save(force_insert=True)
            except IntegrityError as fault:
                if output is None:
                    raise
                log.info("stored again", reason=repr(fault))
            else:
                return ended, output
        raise StorageUnavailable

    @tracing.spanned("store")
    def _stored(self) -> Output:
        blob = storage.keep(self._file, owner_id=self.item.owner_id, form=self.item.format)
        told = storage.keep(BytesIO(self.timestamps), owner_id=self.item.owner_id, form="json") if self.timestamps else None
        return Output.of(self.item, blob=blob, timestamps=told, attempt=self.item.attempt, seconds=self.seconds, findings=self.findings)

    def _stop(self) -> None:
        """End as cancelled, charged for what was made; or leave the item to whoever has it now."""
        charge = self._charge() if self.seconds else None
        if self._unwanted() and self.item.end(State.CANCELLED, Cancelled(), charge=charge):
            metrics.ended(self.item, State.CANCELLED, Cancelled.code)
            self._tell(Entry(Kind.FAILED, self.item.attempt, self._written, Cancelled.code.encode()))
        else:
            log.info("left to another", attempt=self.item.attempt)

    def _fail(self, refusal: Refusal) -> None:
        outage = isinstance(refusal, Unavailable) and self.item.batch and self.item.attempt < OUTAGE_ATTEMPTS
        if refusal.transient and self.item.requeue(delay=_delay(self.item.attempt), once_more=outage):
            metrics.RETRIED.labels(refusal.code).inc()
            log.info("again later", code=refusal.code, attempt=self.item.attempt)
        elif refusal.transient and self._unwanted():
            self._stop()
        elif self.item.end(State.FAILED, refusal):
            metrics.ended(self.item, State.FAILED, refusal.code)
            log.warning("failed", code=refusal.code, attempt=self.item.attempt)
            self._tell(Entry(Kind.FAILED, self.item.attempt, self._written, refusal.code.encode()))
        else:
            self._stop()

    def _unwanted(self) -> bool:
        """Whether the item was asked to stop."""
        return Item.objects.filter(pk=self.item.pk, stop_asked_at__isnull=False).exists()

    def _charge(self) -> Charge:
        return self.item.charge(Amount(characters=self.characters, milliseconds=round(self.seconds * MILLISECONDS)))

    def _tell_all(self) -> None:
        self._file.seek(0)
        offset = 0
        while piece := self._file.read(PIECE):
            self._tell(Entry(Kind.DATA, self.item.attempt, offset, piece))
            offset += len(piece)

    def _tell(self, entry: Entry, *, key: str = "") -> None:
        """Add to the stream. When it can't be reached the work goes on: a reader finds the output where it is stored."""
        if time.monotonic() < self._silent_until:
            return
        try:
            streams().append(key or self.item.pk, entry)
        except Unavailable as refusal:
            self._silent_until = time.monotonic() + SILENCE
            log.warning("stream away", reason=refusal.message)


def _delay(attempt: int) -> timedelta:
    """Before the attempt after this one."""
    delay: timedelta = min(FIRST_DELAY * 2 ** (attempt - 1), LONGEST_DELAY)
    return delay * (1 + JITTER * random.random())  # noqa: S311  -- nothing secret
