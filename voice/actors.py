"""What workers do: claim an item, make it. A live line is waited for, a batch one is not; otherwise they are the same work."""

from __future__ import annotations

import dramatiq

from jobs.work import claim
from voice.conditioning import forget_leftovers
from voice.consents import clear_revoked
from voice.intake import make_safe
from voice.speaking import narrate


@dramatiq.actor(queue_name="live", priority=0)
def speak(item_id: str) -> None:
    if work := claim(item_id):
        with work:
            narrate(work)


@dramatiq.actor(queue_name="live", priority=0)
def examine_upload(item_id: str) -> None:
    if work := claim(item_id):
        with work:
            make_safe(work)


@dramatiq.actor(queue_name="batch", priority=10)
def speak_in_batch(item_id: str) -> None:
    if work := claim(item_id):
        with work:
            narrate(work)


@dramatiq.actor(queue_name="batch", priority=5)
def clear_revoked_consents() -> None:
    clear_revoked()
    forget_leftovers()
