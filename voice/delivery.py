"""The second half of `POST /v1/audio/speech`: the item's bytes to the client while they are made.

The first half is an ordinary view in a thread. This half runs in the event loop, where waiting costs nothing and a client that leaves
is noticed at once.
"""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from functools import wraps
from typing import Any

from asgiref.sync import sync_to_async
from channels.db import database_sync_to_async
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse

from accounts.models import Usage
from config.errors import Overloaded, Refusal
from jobs import timestamps, tracing
from jobs.connections import give_back
from jobs.following import follow
from jobs.models import Item
from jobs.steps import leave
from voice import metrics
from voice.timing import ASKED, Timestamps

AUDIO_TOKEN_SECONDS = 0.05
# what OpenAI's speech models make of one output token
EVENTS = "text/event-stream"


class Accepted(HttpResponse):
    """What the first half returns for a request that has become work."""

    def __init__(self, item: Item, *, sse: bool, stays: bool = False, replayed: bool = False) -> None:
        super().__init__(status=202)
        self.item = item
        self.sse = sse
        self.stays = stays
        # the work goes on when the client has left
        self.replayed = replayed

    async def answer(self, data: AsyncGenerator[bytes, None]) -> HttpResponseBase:
        """The response, once there is something to send: a refusal before it is still answered with its own status."""
        head = await anext(data, b"")
        body = _events(self.item, head, data) if self.sse else _bytes(head, data)
        return StreamingHttpResponse(body, content_type=EVENTS if self.sse else self.item.media_type)


def delivered(view: Callable[..., HttpResponseBase]) -> Callable[..., Coroutine[Any, Any, HttpResponseBase]]:
    """A view that answers Accepted, as one that answers with the item's bytes. Any other answer is passed on."""

    @wraps(view)
    async def deliver(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        started = time.perf_counter()
        response = await _kept(asyncio.ensure_future(sync_to_async(_unbound(view))(request, *args, **kwargs)))
        if not isinstance(response, Accepted):
            return response
        opened = await _opened(response)
        if not response.item.reused:
            metrics.FIRST_BYTE.labels(*metrics.maker(response.item.options)).observe(time.perf_counter() - started)
        return opened

    return deliver


async def _kept(answer: asyncio.Future[HttpResponseBase]) -> HttpResponseBase:
    """The first half's answer. A thread can't be cancelled: for a client that left meanwhile, what it submitted is stopped."""
    try:
        return await asyncio.shield(answer)
    except asyncio.CancelledError:
        response = await answer
        if isinstance(response, Accepted):
            await _leave(response)
        raise


def _unbound(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """The view, giving its database connection back before the long wait begins."""

    def run(*args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return view(*args, **kwargs)
        finally:
            give_back()

    return run


async def _opened(accepted: Accepted) -> HttpResponseBase:
    """The response, with what it tells of the work."""
    item = accepted.item
    response = await accepted.answer(_watched(accepted))
    response.headers["x-job-id"] = item.job_id
    response.headers["X-Accel-Buffering"] = "no"
    response.headers["Cache-Control"] = "no-store"
    response.headers["x-cache"] = "miss" if accepted.replayed or not item.reused else "hit"
    if accepted.replayed:
        response.headers["idempotent-replayed"] = "true"
    if item.store:
        response.headers["x-output-id"] = item.output_id
    return response


async def _watched(accepted: Accepted) -> AsyncGenerator[bytes, None]:
    """The item's bytes; left before the end, the item is stopped, unless somebody will want it."""
    stream, sent = tracing.begun("stream", item_id=accepted.item.pk), 0
    try:
        async for data in follow(accepted.item):
            sent += len(data)
            yield data
    except (asyncio.CancelledError, GeneratorExit, Overloaded):
        await asyncio.shield(_leave(accepted))
        raise
    finally:
        stream.note(bytes=sent)
        stream.end()


async def _bytes(head: bytes, audio: AsyncGenerator[bytes, None]) -> AsyncIterator[bytes]:
    try:
        yield head
        async for data in audio:
            yield data
    finally:
        await audio.aclose()


async def _events(item: Item, head: bytes, audio: AsyncGenerator[bytes, None]) -> AsyncIterator[bytes]:
    """Server-sent events as OpenAI's speech models send them; a failure half-way is an event too."""
    try:
        async for data in _bytes(head, audio):
            yield event({"type": "speech.audio.delta", "audio": base64.b64encode(data).decode()})
    except Refusal as refusal:
        yield told(refusal)
        return
    yield event({"type": "speech.audio.done", "usage": await _usage(item), **await _timestamps(item)})


def event(payload: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(payload, separators=(',', ':'))}\n\n".encode()


def told(refusal: Refusal) -> bytes:
    """A refusal as an event."""
    return event({"error": {"message": refusal.message, "type": refusal.type, "param": refusal.param, "code": refusal.code}})


async def _usage(item: Item) -> dict[str, int]:
    """A character counts as one input token; output tokens are OpenAI's, 20 a second."""
    usage = await database_sync_to_async(Usage.objects.get)(item_id=item.pk)
    spoken = round(usage.seconds / AUDIO_TOKEN_SECONDS)
    return {"input_tokens": usage.characters, "output_tokens": spoken, "total_tokens": usage.characters + spoken}


async def _timestamps(item: Item) -> dict[str, Any]:
    """What was asked for of them."""
    asked = item.options.get(ASKED)
    return Timestamps.unpacked(await timestamps.of_ended(item)).shown(asked) if asked else {}


async def _leave(accepted: Accepted) -> None:
    if not accepted.stays:
        await leave(accepted.item)
