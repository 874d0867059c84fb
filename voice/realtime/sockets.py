"""The door of live conversation: who may come in, with which session, and how the socket ends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, ParamSpec, TypeVar
from urllib.parse import parse_qs

import structlog
from channels.db import database_sync_to_async
from django.conf import settings

from accounts.ids import new_id
from accounts.models import Scope
from config.errors import Refusal
from jobs import closing
from jobs.closing import Closed
from jobs.doors import Door, Message, Visit
from jobs.errors import Maintenance
from jobs.handshake import REALTIME
from voice import live, metrics
from voice.errors import SessionBusy, SessionNotFound, TooManySessions
from voice.models.live import Dialect, Kind, LiveSession
from voice.realtime.consumer import Conversation
from voice.realtime.session import Session, refused
from voice.realtime.settings import LONGEST_NAME, checked
from voice.realtime.wire import Wire

log = structlog.get_logger("live")

P = ParamSpec("P")
T = TypeVar("T")

HELD: dict[str, Conversation] = {}
# the sessions of this process, by id
BETA_HEADER = (b"openai-beta", b"realtime=v1")
BETA_SUBPROTOCOL = "openai-beta.realtime-v1"


class _Call:
    """A session from its row to its last word, for somebody who may call."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._identity = visit.identity
        self._query = {name: values[-1] for name, values in parse_qs(visit.scope["query_string"].decode("latin-1")).items()}
        self._dialect = Dialect.BETA if _is_beta(visit.scope) else Dialect.GA
        self._wire = Wire(is_beta=self._dialect is Dialect.BETA, new_id=new_id)

    async def hold(self) -> Closed:
        try:
            row, session = await self._opened()
        except Refusal as refusal:
            # the client reads why before the socket is closed
            with suppress(OSError):
                await self._visit.send({"type": "websocket.send", "text": self._wire.told(refused(refusal))})
            return Closed(_code(refusal), refusal.code)
        with structlog.contextvars.bound_contextvars(session_id=row.pk):
            return await self._converse(row, session)

    async def _opened(self) -> tuple[LiveSession, Session]:
        """The session that the query names, taken up again, or a new one."""
        if (named := self._query.get("session_id")) is None:
            return await _in_thread(self._begin)
        if (held := HELD.get(named)) is not None and held.user == self._identity.user:
            # the last connection is not known to be gone; this one says so
            await held.let_go()
        return await _in_thread(self._resume, named)

    def _begin(self) -> tuple[LiveSession, Session]:
        """Of the settings that its secret carries, or of those that the query names."""
        secret = self._identity.secret
        chosen = checked(_named(self._query) if secret is None else secret.session)
        row = live.begin(identity=self._identity, model=chosen.model, kind=Kind(chosen.type), dialect=self._dialect)
        return row, Session(settings=chosen, **_fields(row))

    def _resume(self, session_id: str) -> tuple[LiveSession, Session]:
        row, kept = live.resume(identity=self._identity, session_id=session_id)
        return row, Session.restored(kept, **_fields(row))

    async def _converse(self, row: LiveSession, session: Session) -> Closed:
        left = (row.started_at + settings.LIVE_SESSION).timestamp() - time.time()
        conversation = Conversation(self._visit, session=session, wire=self._wire, left=left)
        HELD[row.pk] = conversation
        metrics.SESSIONS.inc()
        how = metrics.RESUMED if "session_id" in self._query else metrics.BEGUN
        metrics.SESSIONS_BEGUN.labels(row.kind, row.dialect, how).inc()
        log.info("session begun", dialect=row.dialect)
        end = Closed(closing.INTERNAL_ERROR, "internal_error")
        try:
            end = await conversation.run()
        finally:
            try:
                await asyncio.shield(_in_thread(_put_down, row.pk, end, session, conversation.figures))
            finally:
                # only now: whoever wants to take the session up has waited for that
                del HELD[row.pk]
                metrics.SESSIONS.dec()
                metrics.SESSIONS_ENDED.labels(end.reason).inc()
                conversation.gone.set()
        log.info("session over", code=end.code, reason=end.reason)
        return end


def _put_down(session_id: str, end: Closed, session: Session, figures: live.Figures) -> None:
    """Keep the session for a client that may come back, or end it."""
    if end.resumable and settings.LIVE_RESUME and live.leave(session_id, figures, session.kept()):
        return
    live.end(session_id, end.reason, figures, session.conversation.kept())


def _fields(row: LiveSession) -> dict[str, Any]:
    expires_at = int((row.started_at + settings.LIVE_SESSION).timestamp())
    return {"id": row.pk, "new_id": new_id, "expires_at": expires_at, "user": str(row.owner_id)}


async def _in_thread(act: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    made: T = await database_sync_to_async(act, thread_sensitive=False)(*args, **kwargs)
    return made


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
        case SessionBusy() | Maintenance():
            return closing.TRY_AGAIN_LATER
        case _:
            return closing.POLICY_VIOLATION


async def _hold(visit: Visit) -> Closed:
    return await _Call(visit).hold()


live_socket = Door(REALTIME, Scope.REALTIME, _hold)
