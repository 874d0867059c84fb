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
        end = await _held(scope, receive, send, identity, token)
    if end is not None and end.code is not None:
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(CLOSE_PATIENCE):
                await send({"type": "websocket.close", "code": end.code, "reason": end.reason[:LONGEST_REASON]})


async def _held(scope: Message, receive: Receive, send: Sender, identity: Identity, token: str) -> Closed:
    """The whole of a session, from its row to its last word."""
    wire = Wire(is_beta=_is_beta(scope), new_id=new_id)
    try:
        async with counted(identity.user):
            row, session = await database_sync_to_async(_begun, thread_sensitive=False)(scope, identity)
            return await _conversed(row, session, wire, receive, send, identity, token)
    except TooManySockets:
        return Closed(closing.TOO_MANY, "too_many_sockets")
    except Refusal as refusal:
        # the client reads why before the socket is closed
        with suppress(OSError):
            await send({"type": "websocket.send", "text": wire.told(refused(refusal))})
        return Closed(_code(refusal), refusal.code)
    except (OperationalError, InterfaceError) as fault:
        log.warning("database away", reason=repr(fault))
        return Closed(closing.TRY_AGAIN_LATER, "try_again_later")


async def _conversed(
    row: LiveSession, session: Session, wire: Wire, receive: Receive, send: Sender, identity: Identity, token: str
) -> Closed:
    left = row.started_at.timestamp() + settings.LIVE_SESSION.total_seconds() - time.time()
    conversation = Conversation(receive, send, identity=identity, bearer=token, session=session, wire=wire, left=left)
    log.info("session begun", session_id=row.pk, dialect=row.dialect)
    end = await conversation.run(session.open())
    await asyncio.shield(database_sync_to_async(live.end, thread_sensitive=False)(row.pk, end.reason, conversation.figures))
    log.info("session over", session_id=row.pk, code=end.code, reason=end.reason)
    return end


def _begun(scope: Message, identity: Identity) -> tuple[LiveSession, Session]:
    """A session of the settings that its secret carries, or of the ones that the query names."""
    query = {name: values[-1] for name, values in parse_qs(scope["query_string"].decode("latin-1")).items()}
    chosen = checked(identity.secret.session if identity.secret is not None else _named(query))
    dialect = Dialect.BETA if _is_beta(scope) else Dialect.GA
    row = live.begin(identity=identity, model=chosen.model, kind=Kind(chosen.type), dialect=dialect)
    return row, _session(row, chosen)


def _session(row: LiveSession, chosen: Settings) -> Session:
    expires_at = int((row.started_at + settings.LIVE_SESSION).timestamp())
    return Session(id=row.pk, settings=chosen, new_id=new_id, expires_at=expires_at, user=str(row.owner_id))


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
