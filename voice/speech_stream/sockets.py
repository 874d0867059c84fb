"""`WS /v1/audio/speech/stream`: who may come in, and how the socket ends."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from contextlib import suppress
from typing import Any

import structlog
from django.db import InterfaceError, OperationalError

from accounts.models import Scope
from accounts.tokens import Identity
from config.errors import Refusal
from jobs import closing
from jobs.admission import admit
from jobs.closing import Closed
from jobs.errors import TooManySockets
from jobs.handshake import EVENTS, bearer, subprotocol
from jobs.sockets import counted
from voice.speech_stream.stream import Receive, Send, SpeechStream

log = structlog.get_logger("speech_stream")

CLOSE_PATIENCE = 2.0
# seconds that the closing of a socket may take


async def speech_socket(scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
    """The ASGI application. Who may not call is refused before the socket is opened, as HTTP 403."""
    await receive()
    token = bearer(scope, EVENTS)
    identity: Identity | None = None
    end = Closed(closing.TRY_AGAIN_LATER, "try_again_later")
    try:
        identity = await admit(token, Scope.SPEECH)
    except Refusal:
        await send({"type": "websocket.close", "code": closing.POLICY_VIOLATION})
        return
    except (OperationalError, InterfaceError) as fault:
        log.warning("database away", reason=repr(fault))
    # a code can only be told on an open socket
    await send({"type": "websocket.accept", "subprotocol": subprotocol(scope, EVENTS)})
    if identity is not None:
        try:
            async with counted(identity.user):
                end = await SpeechStream(receive, send, identity, token).run()
        except TooManySockets:
            end = Closed(closing.TOO_MANY, "too_many_sockets")
    if end.code is not None:
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(CLOSE_PATIENCE):
                await send({"type": "websocket.close", "code": end.code, "reason": end.reason})
