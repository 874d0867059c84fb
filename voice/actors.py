"""What workers do: claim an item, make it. A live line is waited for, a batch one is not; otherwise they are the same work.

What needs a model has queues of its own, which only workers read that can run one.
"""

from __future__ import annotations

import dramatiq
import structlog

from config.errors import Refusal
from jobs import departure
from jobs.departure import Reason
from jobs.work import claim
from voice import catalogue, conversions, live, removals, transcriptions, waveforms
from voice.conditioning import forget_leftovers
from voice.consents import clear_revoked
from voice.engines.base import DeviceLost
from voice.intake import make_safe
from voice.models import Model
from voice.speaking import narrate

log = structlog.get_logger("actors")


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
    speak.fn(item_id)


@dramatiq.actor(queue_name="neural", priority=0)
def speak_by_model(item_id: str) -> None:
    speak.fn(item_id)


@dramatiq.actor(queue_name="neural-batch", priority=10)
def speak_by_model_in_batch(item_id: str) -> None:
    speak.fn(item_id)


@dramatiq.actor(queue_name="neural", priority=0)
def convert(item_id: str) -> None:
    if work := claim(item_id):
        with work:
            conversions.convert(work)


@dramatiq.actor(queue_name="neural-batch", priority=10)
def convert_in_batch(item_id: str) -> None:
    convert.fn(item_id)


@dramatiq.actor(queue_name="live", priority=0)
def transcribe(item_id: str) -> None:
    if work := claim(item_id):
        with work:
            transcriptions.transcribe(work)


@dramatiq.actor(queue_name="batch", priority=10)
def transcribe_in_batch(item_id: str) -> None:
    transcribe.fn(item_id)


@dramatiq.actor(queue_name="neural", priority=0)
def transcribe_by_model(item_id: str) -> None:
    transcribe.fn(item_id)


@dramatiq.actor(queue_name="neural-batch", priority=10)
def transcribe_by_model_in_batch(item_id: str) -> None:
    transcribe.fn(item_id)


@dramatiq.actor(queue_name="neural-batch", priority=20)
def check_model(name: str) -> None:
    """Look at a registered model, load it and let one that speaks say a sentence; what is wrong with it is noted on its row."""
    model = Model.objects.filter(pk=name).first()
    if model is None or not catalogue.examine(model):
        return
    try:
        catalogue.try_out(model)
    except DeviceLost:
        departure.ask(Reason.DEVICE_LOST)
    except Refusal as refusal:
        log.warning("model does not work", model=name, reason=refusal.reason)


@dramatiq.actor(queue_name="batch", priority=20)
def read_waveform(kind: str, pk: str) -> None:
    waveforms.look(kind, pk)


@dramatiq.actor(queue_name="batch", priority=20)
def remove_account(removal_id: int) -> None:
    removals.carry_on(removal_id)


@dramatiq.actor(queue_name="batch", priority=20)
def continue_removals() -> None:
    removals.continue_all()


@dramatiq.actor(queue_name="batch", priority=5)
def clear_revoked_consents() -> None:
    clear_revoked()
    forget_leftovers()


@dramatiq.actor(queue_name="batch", priority=5)
def close_lost_sessions() -> None:
    live.close_lost()
