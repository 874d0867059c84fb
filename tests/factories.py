"""Rows for tests: what is not said is ordinary."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db.models.functions import Now

from accounts.models import User
from jobs.models import Item, Job, Output, State, Worker
from voice.models import Model, Voice


def make_job(owner: User, **fields: Any) -> Job:
    return Job.objects.create(owner=owner, **{"kind": "speech", "total": 1, **fields})


def make_item(owner: User, *, job: Job | None = None, **fields: Any) -> Item:
    """A queued item for the tone engine that says "hello" as PCM."""
    ordinary = {"actor": "speak", "text": "hello", "format": "pcm", "media_type": "audio/pcm", "options": tone_options()}
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
    name = default_storage.save(f"{item.output_id}-1.pcm", ContentFile(data))
    ordinary = {"format": "pcm", "media_type": "audio/pcm", "seconds": 1.0, "bytes": len(data), "sha256": "0" * 64}
    return Output.objects.create(id=item.output_id, item=item, job=item.job, owner=owner, attempt=1, file=name, **{**ordinary, **fields})


def make_worker(**fields: Any) -> Worker:
    return Worker.objects.create(**{"id": "test-worker", "threads": 1, **fields})


def make_voice(**fields: Any) -> Voice:
    model, _ = Model.objects.get_or_create(name=fields.pop("model", "flite"), defaults={"engine": "flite", "slowest": 0.25, "fastest": 4.0})
    return Voice.objects.create(**{"name": "anna", "model": model, "speaker": "slt", "languages": ["en-us", "en"], **fields})


def tone_options(**fields: Any) -> dict[str, Any]:
    """The resolved configuration of a tone item."""
    ordinary = {"engine": "tone", "model": "tone", "voice": "tone", "speaker": "tone", "language": "mul", "speed": 1.0, "seed": None}
    return {**ordinary, "format": "pcm", **fields}
