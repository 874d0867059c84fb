"""What a conversation has workers do: speak a piece, understand a turn. Each is an item like any other, of a job that is not listed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, suppress
from typing import Any, ParamSpec, TypeVar

from channels.db import database_sync_to_async

from accounts.tokens import Identity
from config.errors import Refusal
from jobs import services as jobs
from jobs import storage
from jobs.following import follow
from jobs.models import Item
from voice.realtime.effects import Speak, Transcribe
from voice.realtime.g711 import Codec
from voice.realtime.settings import named_voice
from voice.services import SPEECH, Casting, Line, check_voice
from voice.transcriptions import TRANSCRIPTION, order_heard
from voice.transcripts import Reader

P = ParamSpec("P")
T = TypeVar("T")

PCM = "pcm"
# 16 bit, mono, 24 kHz: what a session works with
ORDERERS = ThreadPoolExecutor(2, thread_name_prefix="orders")
# few, though a hundred may want to speak at once: they share Python's lock with the loop that hears everybody, and whoever is served
# first is answered first


async def speak(identity: Identity, casting: Casting, wanted: Speak) -> Item:
    """The item that says it, on its way to a worker. Every Refusal for what can't be spoken comes from here."""
    return await _in_thread(_speech, identity, casting, wanted)


async def understand(identity: Identity, wanted: Transcribe) -> tuple[str, float]:
    """What was said, and for how many seconds. Waits for a worker; a Refusal where nobody could understand it."""
    ordering = asyncio.ensure_future(_in_thread(_transcription, identity, wanted))
    transcript = Reader()
    try:
        item = await asyncio.shield(ordering)
        async with aclosing(follow(item)) as lines:
            async for data in lines:
                transcript.push(data)
                if transcript.whole:
                    # what the worker then writes down of it nobody here has to wait for
                    break
    except asyncio.CancelledError:
        # a thread can't be cancelled: what it submits for a session that is over is stopped
        with suppress(Refusal):
            await leave(await ordering)
        raise
    return transcript.text, transcript.duration


async def check_named_voice(identity: Identity, event: dict[str, Any]) -> None:
    """The Refusal for a voice that an event names and that can't speak: said at once, and not when it is to."""
    part = "session" if "session" in event else "response"
    if (named := named_voice(event.get(part))) is not None:
        await _in_thread(check_voice, owner=identity.user, name=named, param=f"{part}.audio.output.voice")


async def leave(item: Item) -> None:
    """Nobody wants it any more."""
    await database_sync_to_async(jobs.leave, thread_sensitive=False)(item=item)


async def _in_thread(act: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    made: T = await database_sync_to_async(act, thread_sensitive=False, executor=ORDERERS)(*args, **kwargs)
    return made


def _speech(identity: Identity, casting: Casting, wanted: Speak) -> Item:
    line = Line(text=wanted.text, voice=wanted.voice, model=None, format=PCM, speed=wanted.speed)
    return _submitted(identity, SPEECH, casting.order(line, store=False, fresh=True))


def _transcription(identity: Identity, wanted: Transcribe) -> Item:
    settings, pcm = wanted.settings, Codec(wanted.format).decode(wanted.audio).tobytes()
    order = order_heard(owner=identity.user, pcm=pcm, model=settings.model, language=settings.language, prompt=settings.prompt or "")
    try:
        return _submitted(identity, TRANSCRIPTION, order)
    except Refusal:
        if order.source is not None:
            storage.remove(order.source.pk)
        raise


def _submitted(identity: Identity, kind: str, order: jobs.Order) -> Item:
    job = jobs.submit(owner=identity.user, api_key=identity.api_key, kind=kind, orders=[order], about=jobs.About(listed=False))
    item: Item = Item.objects.select_related("job").get(job=job)
    return item
