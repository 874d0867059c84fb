from __future__ import annotations

import json
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing

from django.db import InterfaceError, OperationalError
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.models import Scope
from config.errors import Refusal
from jobs.admission import CHECK_EVERY, admit, stopping
from jobs.connections import give_back
from jobs.events import HIGHEST, Event, events
from jobs.job_views import find_job, invalid
from jobs.models import OPEN, Job
from jobs.negotiation import AnyAccept

PING_EVERY = 15.0
# seconds of silence after which a comment is sent, so that nobody on the way takes the connection for dead
PLACE = "Last-Event-ID"
NO_MORE = 204
# tells a browser's EventSource not to connect again


class JobEvents(APIView):
    scope = Scope.JOBS
    content_negotiation_class = AnyAccept

    @extend_schema(
        parameters=[
            OpenApiParameter(PLACE, OpenApiTypes.INT, OpenApiParameter.HEADER, description="the last event's id that the client has"),
            OpenApiParameter("after", OpenApiTypes.INT, description="the same, for clients that can't set the header"),
        ],
        responses={(200, "text/event-stream"): OpenApiTypes.STR, NO_MORE: None},
    )
    def get(self, request: Request, pk: str) -> HttpResponseBase:
        """What happens to the job, as server-sent events: each item's end, progress now and then, and at last the job's end."""
        job = find_job(request, pk)
        after = _after(request)
        if _told_all(job, after):
            return HttpResponse(status=NO_MORE)
        give_back()
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        if request.method == "HEAD":
            return HttpResponse(content_type="text/event-stream", headers=headers)
        bearer = request.headers["Authorization"].partition(" ")[2]
        return StreamingHttpResponse(_told(job.pk, after, bearer), content_type="text/event-stream", headers=headers)


async def _told(job_id: str, after: int, bearer: str) -> AsyncGenerator[bytes, None]:
    told = checked = time.monotonic()
    async with aclosing(events(job_id, after)) as found:
        async for event in found:
            if stopping.is_set():
                # in good order: the client comes again with the last id that it has
                return
            now = time.monotonic()
            if now - checked >= CHECK_EVERY:
                checked = now
                if not await _still_admitted(bearer):
                    return
            if event is not None:
                told = now
                yield _message(event)
            elif now - told >= PING_EVERY:
                told = now
                yield b": ping\n\n"


async def _still_admitted(bearer: str) -> bool:
    try:
        await admit(bearer, Scope.JOBS)
    except Refusal:
        return False
    except (OperationalError, InterfaceError):
        return True  # nobody knows now, and there is nothing to tell either
    return True


def _message(event: Event) -> bytes:
    place = "" if event.sequence is None else f"id: {event.sequence}\n"
    return f"{place}event: {event.type}\ndata: {json.dumps(event.data, separators=(',', ':'))}\n\n".encode()


def _after(request: Request) -> int:
    """The number that the client has: the header's first, for a browser that connects again keeps the address that it was given."""
    for name, text in ((PLACE, request.headers.get(PLACE)), ("after", request.query_params.get("after"))):
        if text is None:
            continue
        if not (text.isascii() and text.isdigit() and len(text) <= len(str(HIGHEST)) and int(text) <= HIGHEST):
            raise invalid(name, "the id of an event, a whole number")
        return int(text)
    return 0


def _told_all(job: Job, after: int) -> bool:
    """Whether the client has the job's end already."""
    return job.state not in OPEN and after > job.sequence
