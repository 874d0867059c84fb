"""What a conversation has workers do: speak a piece, understand a turn. Each is an item like any other, of a job that is not listed."""

from __future__ import annotations

from channels.db import database_sync_to_async

from accounts.tokens import Identity
from jobs import services as jobs
from jobs.models import Item
from voice.realtime.effects import Speak
from voice.services import SPEECH, Casting, Line

PCM = "pcm"
# 16 bit, mono, 24 kHz: what a session works with


async def speak(identity: Identity, wanted: Speak) -> Item:
    """The item that says it, on its way to a worker. Every Refusal for what can't be spoken comes from here."""
    item: Item = await database_sync_to_async(_submit, thread_sensitive=False)(identity, wanted)
    return item


def _submit(identity: Identity, wanted: Speak) -> Item:
    line = Line(text=wanted.text, voice=wanted.voice, model=None, format=PCM, speed=wanted.speed)
    order = Casting(identity.user).order(line, store=False, fresh=True)
    job = jobs.submit(owner=identity.user, api_key=identity.api_key, kind=SPEECH, orders=[order], about=jobs.About(listed=False))
    item: Item = Item.objects.select_related("job").get(job=job)
    return item
