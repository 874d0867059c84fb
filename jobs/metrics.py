"""What is counted of durable work, where it is accepted and where it is made."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.utils import timezone
from prometheus_client import Counter, Gauge, Histogram

if TYPE_CHECKING:
    from jobs.models import Item

LATENCIES = (0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
# seconds: what a person waits for
WAITS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 15, 60, 300, 1800, 7200)
# seconds: what a queue may come to

SUBMITTED = Counter("voice_items_submitted_total", "Items that were accepted.", ["kind", "delivery"])
REUSED = Counter("voice_items_reused_total", "Items by where their result comes from: stored, in_flight (of another), made.", ["source"])
REFUSED = Counter("voice_admission_refusals_total", "Work that was refused for want of room or of workers.", ["reason"])
ENDED = Counter("voice_items_ended_total", "Items that are over, and the code of the error that ended them.", ["kind", "outcome", "code"])
RETRIED = Counter("voice_item_retries_total", "Attempts that were given up for a later one, by what they met.", ["code"])
LEASES_EXPIRED = Counter("voice_item_leases_expired_total", "Items whose worker fell silent: taken over, or ended.")
RUNG_AGAIN = Counter("voice_item_rings_again_total", "Messages that the sweep sent because the first one led to nothing.")
QUEUE_WAIT = Histogram("voice_item_queue_wait_seconds", "From when an item was due to its claim.", ["queue"], buckets=WAITS)
DURATION = Histogram("voice_item_seconds", "From an item's claim to its end.", ["kind", "delivery"], buckets=LATENCIES)
FIRST_OUTPUT = Histogram(
    "voice_item_first_audio_seconds",
    "From when an item was due to its first bytes, at the worker.",
    ["engine", "model", "delivery"],
    buckets=LATENCIES,
)
THREADS = Gauge("voice_worker_threads", "Threads of this worker that make items.")
BUSY_THREADS = Gauge("voice_worker_threads_busy", "Of these, those that are at one.")
DELIVERIES = Counter("voice_webhook_tries_total", "Tries to deliver a webhook: delivered, again (later), failed (given up).", ["outcome"])
DELIVERY_SECONDS = Histogram("voice_webhook_try_seconds", "How long a receiver took to answer, or not to.", buckets=LATENCIES)

OVERLOADED = "overloaded"
NO_WORKER = "no_worker"
STORAGE_FULL = "storage_full"
TOO_MANY_JOBS = "concurrent_jobs"
DELIVERED, AGAIN, FAILED = "delivered", "again", "failed"
STORED, IN_FLIGHT, MADE = "stored", "in_flight", "made"
NONE = "none"
# in place of an empty label

# what never happened is 0 and not missing
for _reason in (OVERLOADED, NO_WORKER, STORAGE_FULL, TOO_MANY_JOBS):
    REFUSED.labels(_reason)
for _outcome in (DELIVERED, AGAIN, FAILED):
    DELIVERIES.labels(_outcome)
for _source in (STORED, IN_FLIGHT, MADE):
    REUSED.labels(_source)


def delivery_of(item: Item) -> str:
    """Whether somebody listens while it is made."""
    return "batch" if item.batch else "live"


def since(moment: datetime) -> float:
    """Seconds since a moment of the database's clock; none where this machine's is behind."""
    return max(0.0, (timezone.now() - moment).total_seconds())


def first_output(item: Item) -> None:
    engine, model = item.options.get("engine") or NONE, item.options.get("model") or NONE
    FIRST_OUTPUT.labels(engine, model, delivery_of(item)).observe(since(item.due_at))


def ended(item: Item, outcome: str, code: str = "") -> None:
    ENDED.labels(item.job.kind, outcome, code or NONE).inc()
