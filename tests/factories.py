"""Rows for tests: what is not said is ordinary."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from accounts import quotas
from accounts.models import Usage, User
from jobs.models import OPEN, Item, Job, Output, State, Worker
from jobs.storage import keep
from voice.live import PROCESS
from voice.models import Consent, ConsentState, LiveSession, Model, Sample, Voice
from voice.phrases import PHRASES

PERIOD = datetime(2026, 1, 1, tzinfo=UTC)


def make_job(owner: User, **fields: Any) -> Job:
    return Job.objects.create(owner=owner, **{"kind": "speech", "total": 1, **fields})


def make_item(owner: User, *, job: Job | None = None, **fields: Any) -> Item:
    """A queued item for the tone engine that says "hello" as PCM."""
    with transaction.atomic():
        reservation = quotas.reserve(owner, "speech", quotas.Amount(), quotas.allowance(owner))
    ordinary = {
        "actor": "speak",
        "text": "hello",
        "format": "pcm",
        "media_type": "audio/pcm",
        "options": tone_options(),
        "period_starts_at": reservation.starts_at if fields.get("state", State.QUEUED) in OPEN else None,
    }
    item = Item.objects.create(owner=owner, job=job or make_job(owner), **{**ordinary, **fields})
    item.refresh_from_db()
    return item


def make_running(owner: User, *, lease: timedelta = timedelta(seconds=60), **fields: Any) -> Item:
    """An item that some worker has, or had if the lease is negative."""
    item = make_item(owner, **{"state": State.RUNNING, "attempt": 1, "worker": "another", **fields})
    Item.objects.filter(pk=item.pk).update(lease_until=Now() + lease)
    item.refresh_from_db()
    return item


def make_output(owner: User, data: bytes = b"sound", **fields: Any) -> Output:
    """A finished item's output, with its file."""
    item = make_item(owner, state=State.COMPLETED, attempt=1)
    return keep_output(item, data, **fields)


def keep_output(item: Item, data: bytes, *, attempt: int = 1, **fields: Any) -> Output:
    """An output of the item that holds `data`."""
    blob = keep(io.BytesIO(data), owner_id=item.owner_id, form=item.format)
    output = Output.of(item, blob=blob, attempt=attempt, seconds=1.0)
    for name, value in fields.items():
        setattr(output, name, value)
    output.save(force_insert=True)
    return output


def make_usage(item: Item, **fields: Any) -> Usage:
    ordinary = {"kind": "speech", "characters": 5, "milliseconds": 1000, "voice": "slt", "model": "flite", "period_starts_at": PERIOD}
    return Usage.objects.create(item_id=item.pk, owner=item.owner, **{**ordinary, **fields})


def make_worker(**fields: Any) -> Worker:
    """Make a worker's row that stays alive, however long the test takes."""
    ordinary = {
        "id": "test-worker",
        "threads": 1,
        "queues": ["live", "batch", "neural", "neural-batch"],
        "seen_at": Now() + timedelta(days=1),
    }
    worker = Worker.objects.create(**{**ordinary, **fields})
    worker.refresh_from_db()
    return worker


def make_consent(owner: User, **fields: Any) -> Consent:
    """An approved one, without a recording."""
    ordinary = {"name": "Anna", "language": "en", "phrase": PHRASES["en"], "seconds": 5.0, "state": ConsentState.APPROVED}
    consent = Consent.objects.create(owner=owner, **{**ordinary, **fields})
    consent.refresh_from_db()
    return consent


def make_sample(voice: Voice, data: bytes = b"RIFF", **fields: Any) -> Sample:
    blob = keep(io.BytesIO(data), owner_id=voice.owner_id, form="wav")
    return Sample.objects.create(voice=voice, blob=blob, seconds=5.0, **{"version": voice.version, **fields})


def make_voice(**fields: Any) -> Voice:
    """A stock voice, or with an owner one of his own, with his consent."""
    if owner := fields.get("owner"):
        fields = {"consent": make_consent(owner), **fields} if "consent" not in fields else fields
    model, _ = Model.objects.get_or_create(name=fields.pop("model", "flite"), defaults={"engine": "flite", "slowest": 0.25, "fastest": 4.0})
    return Voice.objects.create(**{"name": "anna", "model": model, "speaker": "slt", "languages": ["en-us", "en"], **fields})


def make_live_session(owner: User, *, silent: timedelta = timedelta(0), **fields: Any) -> LiveSession:
    """An open one of this process, not heard of for so long."""
    ordinary = {"model": "gpt-realtime", "kind": "realtime", "dialect": "ga", "process": PROCESS, "seen_at": Now() - silent}
    session = LiveSession.objects.create(owner=owner, **{**ordinary, **fields})
    session.refresh_from_db()
    return session


def tone_options(**fields: Any) -> dict[str, Any]:
    """The resolved configuration of a tone item."""
    ordinary = {"engine": "tone", "model": "tone", "voice": "tone", "speaker": "tone", "language": "mul", "speed": 1.0, "seed": None}
    return {**ordinary, "format": "pcm", **fields}
