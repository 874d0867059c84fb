"""A transcript to the client: whole in the format asked for, or segment by segment as server-sent events."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse

from config.errors import Refusal
from jobs.models import Item
from voice.delivery import EVENTS, Accepted, event, told
from voice.transcript_formats import Shape, done, events, written
from voice.transcripts import Reader


class Heard(Accepted):
    """A request that has become work whose result is a transcript."""

    def __init__(self, item: Item, *, shape: Shape, sse: bool, stays: bool, replayed: bool) -> None:
        super().__init__(item, sse=sse, stays=stays, replayed=replayed)
        self._shape = shape

    async def answer(self, data: AsyncGenerator[bytes, None]) -> HttpResponseBase:
        if self.sse:
            head = await anext(data, b"")
            return StreamingHttpResponse(_events(head, data, self._shape), content_type=EVENTS)
        transcript = Reader()
        async with aclosing(data):
            async for piece in data:
                transcript.push(piece)
        body, media_type = written(transcript, self._shape)
        return HttpResponse(body, content_type=media_type)


async def _events(head: bytes, data: AsyncGenerator[bytes, None], shape: Shape) -> AsyncIterator[bytes]:
    """A failure half-way is an event too."""
    transcript = Reader()
    async with aclosing(data):
        try:
            for one in events(transcript.push(head), shape):
                yield event(one)
            async for piece in data:
                for one in events(transcript.push(piece), shape):
                    yield event(one)
        except Refusal as refusal:
            yield told(refusal)
            return
    yield event(done(transcript, shape))
