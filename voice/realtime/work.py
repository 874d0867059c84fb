"""What a conversation has workers do: speak a piece, understand a turn. Each is an item like any other, of a job that is not listed."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from functools import partial
from typing import Any

from channels.db import database_sync_to_async

from accounts.tokens import Identity
from config.errors import Refusal
from jobs import storage
from jobs.following import follow
from jobs.models import Item
from jobs.steps import leave, ordered, submit_step
from voice.realtime.effects import Speak, Transcribe
from voice.realtime.g711 import Codec
from voice.realtime.settings import named_voice
from voice.services import SPEECH, Casting, Line, check_voice
from voice.transcriptions import TRANSCRIPTION, Hearing
from voice.transcripts import Reader

PCM = "pcm"
# 16 bit, mono, 24 kHz: what a session works with
ORDERERS = ThreadPoolExecutor(2, thread_name_prefix="orders")
# few, though a hundred may want to speak at once: they share Python's lock with the loop that hears everybody, and whoever is served
# first is answered first


async def speak(identity: Identity, casting: Casting, wanted: Speak) -> Item:
    """The item that says it, on its way to a worker. Every Refusal for what can't be spoken comes from here."""
    return await ordered(partial(_speech, identity, casting, wanted), executor=ORDERERS)


async def understand(identity: Identity, hearing: Hearing, wanted: Transcribe) -> tuple[str, float]:
    """What was said, and for how many seconds. Waits for a worker; a Refusal where nobody could understand it."""
    item = await ordered(partial(_transcription, identity, hearing, wanted), executor=ORDERERS)
    transcript = Reader()
    try:
        async with aclosing(follow(item)) as lines:
            async for data in lines:
                transcript.push(data)
                if transcript.whole:
                    # what the worker then writes down of it nobody here has to wait for
                    break
    except asyncio.CancelledError:
        await asyncio.shield(leave(item))
        raise
    return transcript.text, transcript.duration


async def check_named_voice(identity: Identity, event: dict[str, Any]) -> None:
    """The Refusal for a voice that an event names and that can't speak: said at once, and not when it is to."""
    part = "session" if "session" in event else "response"
    if (named := named_voice(event.get(part))) is not None:
        check = database_sync_to_async(check_voice, thread_sensitive=False, executor=ORDERERS)
        await check(owner=identity.user, name=named, param=f"{part}.audio.output.voice")


def _speech(identity: Identity, casting: Casting, wanted: Speak) -> Item:
    line = Line(text=wanted.text, voice=wanted.voice, model=None, format=PCM, speed=wanted.speed)
    return submit_step(identity, SPEECH, casting.order(line, store=False, fresh=True))


def _transcription(identity: Identity, hearing: Hearing, wanted: Transcribe) -> Item:
    settings, pcm = wanted.settings, Codec(wanted.format).decode(wanted.audio).tobytes()
    order = hearing.order(pcm, model=settings.model, language=settings.language, prompt=settings.prompt or "")
    try:
        return submit_step(identity, TRANSCRIPTION, order)
    except Refusal:
        if order.source is not None:
            storage.remove(order.source.pk)
        raise
