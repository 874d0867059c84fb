"""Looks after all live sessions of a process together: who may no longer call is let go, and their rows show that they live.

One by one, as other sockets do it, two hundred sessions took half a core: a thread, a connection and six statements each, every three
seconds. Together they take two statements, and two more for each bearer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NoReturn
from weakref import WeakKeyDictionary

import structlog
from channels.db import database_sync_to_async
from django.db import InterfaceError, OperationalError

from config.errors import Forbidden, Refusal
from jobs.admission import CHECK_EVERY, check_live, stopping
from voice import live
from voice.live import Figures
from voice.realtime import closing
from voice.realtime.closing import Closed

log = structlog.get_logger("live")

ROUNDS_TO_FIGURES = 10
# a session's figures are written so seldom: a process that is killed takes half a minute of them along


@dataclass(frozen=True, slots=True)
class _Kept:
    bearer: str
    figures: Callable[[], Figures]
    end: asyncio.Future[Closed]


class Keeper:
    """Of one event loop. It works for as long as there are sessions."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}
        # by the session's id
        self._task: asyncio.Task[None] | None = None
        self._rounds = 0

    async def keep(self, session_id: str, bearer: str, figures: Callable[[], Figures]) -> NoReturn:
        """Look after a session for as long as this is awaited; raise Closed when it is to end."""
        kept = _Kept(bearer, figures, asyncio.get_running_loop().create_future())
        self._kept[session_id] = kept
        if self._task is None:
            self._task = asyncio.create_task(self._look_after_all())
        try:
            raise await kept.end
        finally:
            if self._kept.get(session_id) is kept:
                del self._kept[session_id]
            if not self._kept and self._task is not None:
                self._task.cancel()
                self._task = None

    async def _look_after_all(self) -> NoReturn:
        while True:
            await asyncio.sleep(CHECK_EVERY)
            kept = dict(self._kept)
            try:
                ends = await self._ends(kept)
            except (OperationalError, InterfaceError):
                continue  # nobody knows now, and there is nothing to tell either
            except Exception as fault:  # nobody may talk on unwatched
                log.error("unexpected", exc_info=fault)
                ends = dict.fromkeys(kept, (closing.INTERNAL_ERROR, "internal_error"))
            for session_id, (code, reason) in ends.items():
                if not kept[session_id].end.done():
                    kept[session_id].end.set_result(Closed(code, reason))

    async def _ends(self, kept: Mapping[str, _Kept]) -> dict[str, tuple[int, str]]:
        """Which are to end: code and reason by the session's id."""
        if stopping.is_set():
            return dict.fromkeys(kept, (closing.SERVICE_RESTART, "service_restart"))
        self._rounds += 1
        ids = list(kept)
        counted = {session_id: kept[session_id].figures() for session_id in ids[self._rounds % ROUNDS_TO_FIGURES :: ROUNDS_TO_FIGURES]}
        bearers = {each.bearer for each in kept.values()}
        refused, over = await database_sync_to_async(_look, thread_sensitive=False)(bearers, ids, counted)
        ends = dict.fromkeys(over, (closing.NORMAL, "ended"))
        return ends | {session_id: refused[each.bearer] for session_id, each in kept.items() if each.bearer in refused}


def _look(bearers: set[str], ids: list[str], counted: Mapping[str, Figures]) -> tuple[dict[str, tuple[int, str]], set[str]]:
    """The bearers who may no longer call, with the code and the reason that they are told, and the sessions that are over."""
    refused: dict[str, tuple[int, str]] = {}
    for bearer in bearers:
        try:
            check_live(bearer)
        except Forbidden:
            refused[bearer] = closing.NOT_ALLOWED, "not_allowed"
        except Refusal:
            refused[bearer] = closing.NOT_AUTHENTICATED, "not_authenticated"
    for session_id, figures in counted.items():
        live.beat(session_id, figures)
    return refused, live.beat_all(ids)


_keepers: WeakKeyDictionary[asyncio.AbstractEventLoop, Keeper] = WeakKeyDictionary()


def keeper() -> Keeper:
    """The one of the event loop that runs."""
    return _keepers.setdefault(asyncio.get_running_loop(), Keeper())
