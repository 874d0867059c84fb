"""The door of live conversation: who may come in, with which session, and how the socket ends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs

import structlog
from channels.db import database_sync_to_async
from django.conf import settings
from django.db import InterfaceError, OperationalError

from accounts.ids import new_id
from accounts.tokens import Identity
from config.errors import Refusal
from jobs.admission import admit_live
from jobs.errors import TooManySockets
from jobs.handshake import REALTIME, bearer, origin_allowed, subprotocol
from jobs.sockets import counted
from voice import live
from voice.errors import SessionNotFound, TooManySessions
from voice.models.live import Dialect, Kind, LiveSession
from voice.realtime import closing
from voice.realtime.closing import Closed
from voice.realtime.consumer import Conversation
from voice.realtime.session import Session, refused
from voice.realtime.settings import LONGEST_NAME, Settings, checked
from voice.realtime.wire import Wire

log = structlog.get_logger("live")

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Sender = Callable[[Message], Awaitable[None]]

CLOSE_PATIENCE = 2.0
# seconds that the closing of a socket may take
BETA_HEADER = (b"openai-beta", b"realtime=v1")
BETA_SUBPROTOCOL = "openai-beta.realtime-v1"
LONGEST_REASON = 120
# characters that a close frame has room for


async def live_socket(scope: Message, receive: Receive, send: Sender) -> None:
    """The ASGI application. Who may not call is refused before the socket is opened, as HTTP 403."""
    await receive()
    token = bearer(scope, REALTIME)
    end: Closed | None = None
    identity: Identity | None = None
    try:
        if not origin_allowed(scope):
            raise Refusal("This page may not open a session.")
        identity = await admit_live(token)
    except Refusal:
        await send({"type": "websocket.close", "code": closing.POLICY_VIOLATION})
        return
    except (OperationalError, InterfaceError) as fault:
        log.warning("database away", reason=repr(fault))
        end = Closed(closing.TRY_AGAIN_LATER, "try_again_later")
    # a code can only be told on an open socket
    await send({"type": "websocket.accept", "subprotocol": subprotocol(scope, REALTIME)})
    if identity is not None:
        end = await _Visit(scope, receive, send, identity, token).hold()
    if end is not None and end.code is not None:
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(CLOSE_PATIENCE):
                await send({"type": "websocket.close", "code": end.code, "reason": end.reason[:LONGEST_REASON]})


class _Visit:
    """A session from its row to its last word, for somebody who may call."""

    def __init__(self, scope: Message, receive: Receive, send: Sender, identity: Identity, token: str) -> None:
        self._query = {name: values[-1] for name, values in parse_qs(scope["query_string"].decode("latin-1")).items()}
        self._receive = receive
        self._send = send
        self._identity = identity
        self._token = token
        self._dialect = Dialect.BETA if _is_beta(scope) else Dialect.GA
        self._wire = Wire(is_beta=self._dialect is Dialect.BETA, new_id=new_id)

    async def hold(self) -> Closed:
        try:
            async with counted(self._identity.user):
                row, chosen = await database_sync_to_async(self._begin, thread_sensitive=False)()
                return await self._converse(row, chosen)
        except TooManySockets:
            return Closed(closing.TOO_MANY, "too_many_sockets")
        except Refusal as refusal:
            # the client reads why before the socket is closed
            with suppress(OSError):
                await self._send({"type": "websocket.send", "text": self._wire.told(refused(refusal))})
            return Closed(_code(refusal), refusal.code)
        except (OperationalError, InterfaceError) as fault:
            log.warning("database away", reason=repr(fault))
            return Closed(closing.TRY_AGAIN_LATER, "try_again_later")

    def _begin(self) -> tuple[LiveSession, Settings]:
        """A session of the settings that its secret carries, or of those that the query names."""
        secret = self._identity.secret
        chosen = checked(_named(self._query) if secret is None else secret.session)
        return live.begin(identity=self._identity, model=chosen.model, kind=Kind(chosen.type), dialect=self._dialect), chosen

    async def _converse(self, row: LiveSession, chosen: Settings) -> Closed:
        until = row.started_at + settings.LIVE_SESSION
        session = Session(id=row.pk, settings=chosen, new_id=new_id, expires_at=int(until.timestamp()), user=str(row.owner_id))
        conversation = Conversation(
            self._receive,
            self._send,
            identity=self._identity,
            bearer=self._token,
            session=session,
            wire=self._wire,
            left=until.timestamp() - time.time(),
        )
        log.info("session begun", session_id=row.pk, dialect=row.dialect)
        end = await conversation.run(session.open())
        await asyncio.shield(database_sync_to_async(live.end, thread_sensitive=False)(row.pk, end.reason, conversation.figures))
        log.info("session over", session_id=row.pk, code=end.code, reason=end.reason)
        return end


def _named(query: dict[str, str]) -> dict[str, Any]:
    if query.get("intent") == "transcription":
        return {"type": "transcription"}
    return {"model": query["model"][:LONGEST_NAME]} if query.get("model") else {}


def _is_beta(scope: Message) -> bool:
    return BETA_HEADER in [(name, value.strip()) for name, value in scope["headers"]] or BETA_SUBPROTOCOL in scope["subprotocols"]


def _code(refusal: Refusal) -> int:
    match refusal:
        case TooManySessions():
            return closing.TOO_MANY
        case SessionNotFound():
            return closing.NO_SUCH_SESSION
        case _:
            return closing.POLICY_VIOLATION
