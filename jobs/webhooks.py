"""Webhooks: registered by their owner, signed as Standard Webhooks says (https://www.standardwebhooks.com), tried again over a day."""

from __future__ import annotations

import base64
import json
import random
import threading
import time
from datetime import UTC, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet, Window
from django.db.models.functions import Now, RowNumber
from django.utils import timezone
from django.utils.crypto import salted_hmac
from standardwebhooks import Webhook as Signer

from accounts.models import User
from config.errors import Conflict, Refusal
from jobs import doorbell, metrics
from jobs.connections import give_back
from jobs.errors import InvalidState
from jobs.models import Delivery, Webhook
from jobs.models.webhooks import DeliveryState
from jobs.outbound import ForbiddenTarget, Unreachable, post, target

log = structlog.get_logger("webhooks")

MOST_WEBHOOKS = 20
# of one owner
OVERLAP = timedelta(hours=24)
# how long after a change of the secret the one before is signed with too
TRY_TIME = timedelta(seconds=60)
# after which a try that nothing was heard of is taken for lost; far more than one takes
DELAYS = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
)
# before each further try
JITTER = 0.1
# of a delay, at most, is added to it
PATIENCE = timedelta(days=5)
# of failures only, after which a webhook is disabled
SWEEP_BATCH = 100
# deliveries that one sweep sends on their way
TURN = 10.0
# seconds in which a thread begins further tries before it goes back to other work
LONGEST_REASON = 500
# characters of an error that are kept
GONE = 410
SUCCESS = range(200, 300)
REDIRECTS = range(300, 400)

places = threading.BoundedSemaphore(max(1, settings.WORKER_THREADS // 2))
# threads of this process that wait for receivers at a time: slow ones must not take all that speech is made with


class InvalidWebhookUrl(Refusal):
    code = "invalid_webhook_url"
    message = "This is no address that a webhook can be sent to."


class TooManyWebhooks(Conflict):
    code = "too_many_webhooks"
    message = f"You have {MOST_WEBHOOKS} webhooks, which is as many as there can be. Delete one."


def secret(webhook: Webhook) -> str:
    """What the receiver verifies with."""
    return _secret(webhook, webhook.generation)


def register(owner: User, url: str, *, every_job: bool = False, param: str = "url") -> Webhook:
    """The owner's webhook for an address, made if there is none. InvalidWebhookUrl, naming `param`, or TooManyWebhooks.

    With `every_job` one that is there is told of every job from now on; without, it stays as it is.
    """
    try:
        address = str(target(url))
    except ForbiddenTarget as refusal:
        raise InvalidWebhookUrl(refusal.message, param=param) from None
    mine: QuerySet[Webhook] = Webhook.objects.of(owner)
    with transaction.atomic():
        webhook = mine.filter(url=address).first()
        if webhook is None:
            # the owner's row is locked, so that two at once are not one too many
            User.objects.select_for_update(no_key=True).get(pk=owner.pk)
            if not mine.filter(url=address).exists() and mine.count() >= MOST_WEBHOOKS:
                raise TooManyWebhooks
            webhook, _ = mine.get_or_create(owner=owner, url=address, defaults={"every_job": every_job})
        if every_job and not webhook.every_job:
            mine.filter(pk=webhook.pk).update(every_job=True)
        webhook.refresh_from_db()
    return webhook


def rotate(webhook: Webhook) -> None:
    """Another secret. What it was is signed with too for a day, so that the receiver can change over."""
    Webhook.objects.filter(pk=webhook.pk, generation=webhook.generation).update(generation=F("generation") + 1, rotated_at=Now())
    webhook.refresh_from_db()


def enable(webhook: Webhook) -> bool:
    """Send there again, as to one that never failed; False when it is neither disabled nor failing."""
    failing = Webhook.objects.filter(pk=webhook.pk).exclude(disabled_at=None, failing_since=None)
    return failing.update(disabled_at=None, failing_since=None) == 1


def disable(webhook: Webhook) -> bool:
    """Send nothing there any more, what is under way included; False when it is disabled."""
    with transaction.atomic():
        disabled = Webhook.objects.filter(pk=webhook.pk, disabled_at=None).update(disabled_at=Now())
        if disabled:
            pending = Delivery.objects.filter(webhook_id=webhook.pk, state=DeliveryState.PENDING)
            pending.update(state=DeliveryState.FAILED, finished_at=Now(), error="The webhook was disabled.")
    return disabled == 1


def remove(webhook: Webhook) -> None:
    """Delete it with its log. Rows are locked in one order, so that nobody waits for ever: jobs, as where one ends, then its own."""
    with transaction.atomic():
        webhook.jobs.update(webhook=None)
        Webhook.objects.select_for_update().filter(pk=webhook.pk).first()
        webhook.delete()


def try_out(webhook: Webhook) -> Delivery:
    """Send a `webhook.test`. InvalidState when the webhook is disabled."""
    if webhook.disabled_at is not None:
        raise InvalidState("The webhook is disabled. Enable it first.")
    delivery = Delivery.objects.create(
        owner_id=webhook.owner_id, webhook=webhook, event="webhook.test", payload={"id": webhook.pk, "object": "webhook"}
    )
    transaction.on_commit(lambda: ring(delivery.pk))
    delivery.refresh_from_db()
    return delivery


def send_again(delivery: Delivery) -> bool:
    """One more try of what has failed; False when it has not, or when its webhook is disabled."""
    if Webhook.objects.filter(pk=delivery.webhook_id, disabled_at=None).first() is None:
        return False
    failed = Delivery.objects.filter(pk=delivery.pk, state=DeliveryState.FAILED, attempt=delivery.attempt)
    again = failed.update(state=DeliveryState.PENDING, due_at=Now(), finished_at=None) == 1
    if again:
        transaction.on_commit(lambda: ring(delivery.pk))
    return again


def sweep_deliveries() -> None:
    """Ring for what is due."""
    for pk in _in_turn():
        if not ring(pk):
            break


def ring(delivery_id: str) -> bool:
    """Send a delivery's message. It may be lost, and what is due is found again: False where the loss is known."""
    return doorbell.ring("deliver_webhook", delivery_id, delivery_id=delivery_id)


def carry(delivery_id: str) -> None:
    """What a message is answered with: try this delivery, and for a while whatever else is due.

    A message that finds no place is dropped, for those who have one come to its delivery too: nobody's tries wait for a sweep each.
    """
    if not places.acquire(blocking=False):
        return
    try:
        ends = time.monotonic() + TURN
        deliver(delivery_id)
        for pk in _in_turn():
            if time.monotonic() > ends:
                break
            deliver(pk)
    finally:
        places.release()


def deliver(delivery_id: str) -> None:
    """Try a delivery that is due, unless somebody else does."""
    if delivery := _claim(delivery_id):
        _try(delivery)


def _in_turn() -> list[str]:
    """What is due: each owner's in turn, and before all what goes where the last one arrived."""
    failing = Q(webhook__failing_since__isnull=False)
    turn = Window(RowNumber(), partition_by=[F("owner_id"), F("failing")], order_by=[F("due_at").asc(), F("id").asc()])
    due = Delivery.objects.due().annotate(failing=failing).annotate(turn=turn).order_by("failing", "turn", "due_at")
    return list(due.values_list("pk", flat=True)[:SWEEP_BATCH])


def _claim(delivery_id: str) -> Delivery | None:
    """The delivery for one more try. It is found again if nothing is heard of that."""
    delivery: Delivery | None = Delivery.objects.select_related("webhook", "job").filter(pk=delivery_id).first()
    if delivery is None:
        return None
    due = Delivery.objects.due().filter(pk=delivery.pk, attempt=delivery.attempt)
    if not due.update(attempt=F("attempt") + 1, due_at=Now() + TRY_TIME):
        return None
    delivery.attempt += 1
    give_back()
    structlog.contextvars.bind_contextvars(request_id=_request_id(delivery))
    return delivery


def _try(delivery: Delivery) -> None:
    if delivery.webhook.disabled_at is not None:  # between the telling and the disabling neither saw the other
        _fail(delivery, None, "The webhook was disabled.")
        return
    body = _body(delivery)
    try:
        with metrics.DELIVERY_SECONDS.time():
            answer = post(delivery.webhook.url, body, _headers(delivery, body))
    except (ForbiddenTarget, Unreachable) as refusal:
        _fail(delivery, None, refusal.message)
        return
    status, said = answer.status, _legible(answer.body)
    if status in SUCCESS:
        _succeed(delivery, status, said)
    else:
        _fail(delivery, status, f"The answer was {status}{', and redirects are not followed' if status in REDIRECTS else ''}.", said)


def _legible(body: bytes) -> str:
    """What a receiver said as a text that every database takes."""
    return body.decode(errors="replace").replace("\0", "")


def event(delivery: Delivery) -> dict[str, Any]:
    """What its receiver is told, the same at every try."""
    moment = delivery.created_at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return {"type": delivery.event, "timestamp": moment, "data": delivery.payload}


def _body(delivery: Delivery) -> bytes:
    return json.dumps(event(delivery), ensure_ascii=False, separators=(",", ":")).encode()


def _headers(delivery: Delivery, body: bytes) -> dict[str, str]:
    now = timezone.now()
    signatures = [Signer(key).sign(delivery.pk, now, body.decode()) for key in _secrets(delivery.webhook)]
    return {
        "webhook-id": delivery.pk,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
        "content-type": "application/json",
        **({"x-request-id": name} if (name := _request_id(delivery)) else {}),
        "user-agent": f"voice-platform/{settings.VERSION}",
    }


def _request_id(delivery: Delivery) -> str:
    """Of the request that the job came with which it tells of."""
    return delivery.job.request_id if delivery.job is not None else ""


def _secrets(webhook: Webhook) -> list[str]:
    """Those that are signed with now."""
    overlapping = webhook.rotated_at is not None and timezone.now() - webhook.rotated_at < OVERLAP
    return [secret(webhook), *([_secret(webhook, webhook.generation - 1)] if overlapping else [])]


def _secret(webhook: Webhook, generation: int) -> str:
    key = salted_hmac("jobs.webhooks", f"{webhook.pk}:{generation}", algorithm="sha256").digest()
    return f"whsec_{base64.b64encode(key).decode()}"


def _locked(delivery: Delivery) -> tuple[Webhook | None, QuerySet[Delivery]]:
    """The webhook, its row locked, and the delivery if it is still in this try: whoever tries it later raised the number.

    What came of the tries at one webhook is so written one after the other, and always in this order of rows.
    """
    webhook = Webhook.objects.select_for_update(no_key=True).filter(pk=delivery.webhook_id).first()
    return webhook, Delivery.objects.filter(pk=delivery.pk, state=DeliveryState.PENDING, attempt=delivery.attempt)


@transaction.atomic
def _succeed(delivery: Delivery, status: int, said: str = "") -> None:
    _, mine = _locked(delivery)
    if mine.update(state=DeliveryState.DELIVERED, finished_at=Now(), response_status=status, response=said, error=""):
        Webhook.objects.filter(pk=delivery.webhook_id, failing_since__isnull=False).update(failing_since=None)
        metrics.DELIVERIES.labels(metrics.DELIVERED).inc()
        log.info("delivered", delivery_id=delivery.pk, webhook_id=delivery.webhook_id, attempt=delivery.attempt)


@transaction.atomic
def _fail(delivery: Delivery, status: int | None, reason: str, said: str = "") -> None:
    """Try again later; not after the last try, nor where nobody has answered for days or wants to be told."""
    webhook, mine = _locked(delivery)
    if webhook is None:
        return
    failed = {"response_status": status, "response": said, "error": reason[:LONGEST_REASON]}
    worn_out = Webhook.objects.filter(pk=webhook.pk, failing_since__lt=Now() - PATIENCE).exists()
    over = status == GONE or worn_out or webhook.disabled_at is not None
    last = over or delivery.attempt > len(DELAYS)
    if last:
        written = mine.update(state=DeliveryState.FAILED, finished_at=Now(), **failed)
    else:
        delay = DELAYS[delivery.attempt - 1] * (1 + random.uniform(0, JITTER))  # noqa: S311  -- nothing is kept secret by it
        written = mine.update(due_at=Now() + delay, **failed)
    if not written:
        return
    metrics.DELIVERIES.labels(metrics.FAILED if last else metrics.AGAIN).inc()
    log.info("not delivered", delivery_id=delivery.pk, webhook_id=webhook.pk, attempt=delivery.attempt, status=status, reason=reason)
    Webhook.objects.filter(pk=webhook.pk, failing_since=None).update(failing_since=Now())
    if over and disable(webhook):
        log.warning("webhook disabled", webhook_id=webhook.pk, status=status)
