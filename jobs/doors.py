"""The door of every socket: which page may open it, who may come in, how many at a time, and how it is closed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import structlog
from django.db import InterfaceError, OperationalError

from accounts.ids import new_id
from accounts.models import Scope
from accounts.tokens import Identity
from config.errors import Forbidden, Refusal
from jobs import closing
from jobs.admission import admit
from jobs.closing import Closed
from jobs.errors import TooManySockets
from jobs.handshake import Offer, bearer, origin_allowed, subprotocol
from jobs.sockets import counted

log = structlog.get_logger("socket")

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

CLOSE_PATIENCE = 2.0
# seconds that the closing of a socket may take
LONGEST_REASON = 120
# characters that a close frame has room for


@dataclass(frozen=True, slots=True)
class Visit:
    """A socket that was opened by somebody who may."""

    scope: Message
    receive: Receive
    send: Send
    identity: Identity
    bearer: str


class Door:
    """An ASGI application. Who may not call is refused before the socket is opened, as HTTP 403."""

    def __init__(self, offer: Offer, needs: Scope, hold: Callable[[Visit], Awaitable[Closed]]) -> None:
        self._offer = offer
        self._needs = needs
        self._hold = hold
        # until it ends, and say how

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        await receive()
        with structlog.contextvars.bound_contextvars(socket_id=new_id("socket")):
            end = await self._end(scope, receive, send)
        if end is not None and end.code is not None:
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(CLOSE_PATIENCE):
                    await send({"type": "websocket.close", "code": end.code, "reason": end.reason[:LONGEST_REASON]})

    async def _end(self, scope: Message, receive: Receive, send: Send) -> Closed | None:
        """How an open socket ended; none where it was never opened."""
        token = bearer(scope, self._offer)
        end: Closed | None = None
        try:
            if not origin_allowed(scope):
                raise Forbidden("This page may not open a socket.")
            identity = await admit(token, self._needs)
        except Refusal:
            await send({"type": "websocket.close", "code": closing.POLICY_VIOLATION})
            return None
        except Exception as fault:
            end = _ended_by(fault)
        # a code can only be told on an open socket
        await send({"type": "websocket.accept", "subprotocol": subprotocol(scope, self._offer)})
        if end is not None:
            return end
        try:
            async with counted(identity.user):
                return await self._hold(Visit(scope, receive, send, identity, token))
        except TooManySockets:
            return Closed(closing.TOO_MANY, "too_many_sockets")
        except Exception as fault:
            return _ended_by(fault)


def _ended_by(fault: Exception) -> Closed:
    if isinstance(fault, (OperationalError, InterfaceError)):
        log.warning("database away", reason=repr(fault))
        return Closed(closing.TRY_AGAIN_LATER, "try_again_later")
    log.error("unexpected", exc_info=fault)
    return Closed(closing.INTERNAL_ERROR, "internal_error")
