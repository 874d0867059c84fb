"""What stands in front of Django: requests too large to look at are refused, and nothing holds their body."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Any

import structlog
from django.conf import settings

from accounts.ids import new_id
from config import metrics
from config.api import QUIET, body_and_headers
from config.errors import Refusal, TooLarge
from config.request_ids import request_id
from jobs import closing, tracing
from voice.audio.errors import UploadTooLarge

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

BRIEFS = ("/v1/jobs",)
# where a body holds thousands of texts
UPLOADS = re.compile(r"/v1/audio/(voices|voice_consents|conversions|transcriptions|translations)(/.*)?")
# where a body is a form with a file of audio
FORM_BYTES = 1 << 16
# of such a form, beside the file
LINGER_BYTES = 1 << 26
LINGER_SECONDS = 10
# of a body that is refused already, that are read on


class _Overrun(Exception):
    """The body grew past the limit while it was received."""


class BodyGate:
    """Counts a request's body as it comes, declared or not, and answers 413 to one past the limit: Django sees nothing beyond it."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        limit, refusal = _bound(scope["path"])
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if not declared.isdigit():
            await _refused(scope, send, Refusal("Content-Length must be a whole number."))
            return
        if len(declared) > len(str(limit)) or int(declared) > limit:
            await _read_on(scope, receive)
            await _refused(scope, send, refusal)
            return
        received = 0
        more = True

        async def counted() -> Message:
            nonlocal received, more
            message = await receive()
            received += len(message.get("body", b""))
            more = message.get("more_body", False)
            if received > limit:
                raise _Overrun
            return message

        try:
            with _traced(scope):
                await self.app(scope, counted, send)
        except _Overrun:
            if more:
                await _read_on(scope, receive)
            await _refused(scope, send, refusal)


def _bound(path: str) -> tuple[int, Refusal]:
    """The bytes that a body sent there may have, and what is said of more."""
    if UPLOADS.fullmatch(path):
        limit = settings.MAX_UPLOAD_BYTES + FORM_BYTES
        return limit, UploadTooLarge(f"The file is larger than {settings.MAX_UPLOAD_BYTES} bytes.")
    limit = settings.MAX_BRIEF_BYTES if path in BRIEFS else settings.MAX_BODY_BYTES
    return limit, TooLarge(f"The body is larger than {limit} bytes.")


class SocketGate:
    """Lets so many sockets into this process. Whoever comes when it is full is told to come again later."""

    def __init__(self, app: App, paths: Collection[str]) -> None:
        """`paths` are those that there is a socket at."""
        self.app = app
        self._paths = paths
        metrics.SOCKETS_LIMIT.set(settings.SOCKETS_PER_PROCESS)
        for path in paths:
            metrics.SOCKETS.labels(path)
        self._open = 0

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        path = scope["path"] if scope["path"] in self._paths else metrics.OTHER
        if self._open >= settings.SOCKETS_PER_PROCESS:
            metrics.SOCKETS_ENDED.labels(path, str(closing.TRY_AGAIN_LATER)).inc()
            await receive()
            # a code can only be told on an open socket, and a browser opens none without a subprotocol that it offered; one with a
            # dot holds a token
            offered = next((name for name in scope["subprotocols"] if "." not in name), None)
            await send({"type": "websocket.accept", "subprotocol": offered})
            await send({"type": "websocket.close", "code": closing.TRY_AGAIN_LATER})
            return
        self._open += 1
        metrics.SOCKETS.labels(path).inc()
        name = _name(scope)
        code = metrics.LEFT

        def told(message: Message) -> Awaitable[None]:
            # no coroutine of its own: this is between a session and each of its frames
            nonlocal code
            if message["type"] == "websocket.accept":
                message = {**message, "headers": [*message.get("headers", ()), (b"x-request-id", name.encode())]}
            elif message["type"] == "websocket.close":
                code = str(message.get("code", closing.NORMAL))
            return send(message)

        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=name)
        try:
            with tracing.within(_header(scope, b"traceparent")):
                await self.app(scope, receive, told)
        finally:
            self._open -= 1
            metrics.SOCKETS.labels(path).dec()
            metrics.SOCKETS_ENDED.labels(path, code).inc()


def _name(scope: Message) -> str:
    """The id of what opened a socket, which is that of all that it asks for."""
    return request_id(_header(scope, b"x-request-id"), (scope.get("client") or ("", 0))[0])


def _header(scope: Message, name: bytes) -> str:
    headers: dict[bytes, bytes] = dict(scope["headers"])
    return headers.get(name, b"").decode("latin-1")


def _traced(scope: Message) -> AbstractContextManager[Any]:
    """The span of a request, until the last of its answer: part of the client's trace, if it names one. What Django knows of it is
    noted there."""
    if scope["path"].startswith(QUIET):
        return nullcontext()
    method = scope.get("method", "")
    return tracing.span(method, tracing.Kind.SERVER, parent=_header(scope, b"traceparent"), method=method)


async def refuse_socket(_scope: Message, receive: Receive, send: Send) -> None:
    """No WebSocket is offered yet: the handshake is refused, in good order."""
    await receive()
    await send({"type": "websocket.close", "code": closing.POLICY_VIOLATION})


async def _read_on(scope: Message, receive: Receive) -> None:
    """Let a client send what is refused already, within bounds: where a server closes a connection with bytes unread, TCP resets it,
    and a client that is still sending may lose the answer (RFC 9112, section 9.6). One that waits for leave to send is not kept."""
    if _header(scope, b"expect"):
        return
    left = LINGER_BYTES
    with suppress(TimeoutError):
        async with asyncio.timeout(LINGER_SECONDS):
            while left > 0:
                message = await receive()
                left -= len(message.get("body", b""))
                if not message.get("more_body", False):
                    return


async def _refused(scope: Message, send: Send, refusal: Refusal) -> None:
    """Before anything else has seen the request."""
    metrics.request_counted(scope.get("method", ""), metrics.NO_ROUTE, refusal.status, 0.0)
    await _answer(send, refusal)


async def _answer(send: Send, refusal: Refusal) -> None:
    body, headers = body_and_headers(refusal)
    headers |= {"Content-Type": "application/json", "x-request-id": new_id("req"), "Connection": "close"}
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": refusal.status, "headers": raw})
    await send({"type": "http.response.body", "body": json.dumps(body).encode()})
