"""Looks after all live sessions of a process together: who may no longer call is let go, and their rows show that they live.

One by one, as other sockets do it, two hundred sessions took half a core: a thread, a connection and six statements each, every three
seconds. Together they take a few statements, and two for each bearer; a part at a time, since while a thread asks the database all
sessions are heard more slowly.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from itertools import count
from typing import NoReturn
from weakref import WeakKeyDictionary

import structlog
from channels.db import database_sync_to_async
from django.db import InterfaceError, OperationalError

from config.errors import Forbidden, Refusal
from jobs import closing
from jobs.admission import CHECK_EVERY, check_live, stopping
from jobs.closing import Closed
from voice import live
from voice.live import Figures

log = structlog.get_logger("live")

PARTS = 10
# of the sessions, and of their bearers, of which each is looked at every CHECK_EVERY seconds
ROUNDS_TO_FIGURES = 10
# a session's figures are written so seldom: a process that is killed takes half a minute of them along

End = tuple[int, str]
# a socket's code and reason


@dataclass(frozen=True, slots=True)
class _Kept:
    number: int
    bearer: str
    figures: Callable[[], Figures]
    end: asyncio.Future[End]


class Keeper:
    """Of one event loop. It works for as long as there are sessions."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}
        # by the session's id
        self._task: asyncio.Task[None] | None = None
        self._numbers = count()

    async def keep(self, session_id: str, bearer: str, figures: Callable[[], Figures]) -> NoReturn:
        """Look after a session for as long as this is awaited; raise Closed when it is to end."""
        kept = _Kept(next(self._numbers), bearer, figures, asyncio.get_running_loop().create_future())
        self._kept[session_id] = kept
        if self._task is None:
            self._task = asyncio.create_task(self._look_after_all())
        try:
            raise Closed(*await kept.end)
        finally:
            if self._kept.get(session_id) is kept:
                del self._kept[session_id]
            if not self._kept and self._task is not None:
                self._task.cancel()
                self._task = None

    async def _look_after_all(self) -> NoReturn:
        for turn in count():
            await asyncio.sleep(CHECK_EVERY / PARTS)
            kept = dict(self._kept)
            try:
                ends = await _ends(kept, turn)
            except (OperationalError, InterfaceError):
                continue  # nobody knows now, and there is nothing to tell either
            except Exception as fault:  # nobody may talk on unwatched
                log.error("unexpected", exc_info=fault)
                ends = dict.fromkeys(kept, (closing.INTERNAL_ERROR, "internal_error"))
            for session_id, end in ends.items():
                if not kept[session_id].end.done():
                    kept[session_id].end.set_result(end)
        raise AssertionError("there is always another turn")


async def _ends(kept: Mapping[str, _Kept], turn: int) -> dict[str, End]:
    """Those that are to end, of the part that is looked at in this turn."""
    if stopping.is_set():
        return dict.fromkeys(kept, (closing.SERVICE_RESTART, "service_restart"))
    part, rounds = turn % PARTS, turn // PARTS
    mine = {session_id: each for session_id, each in kept.items() if each.number % PARTS == part}
    counted = {
        session_id: each.figures()
        for session_id, each in mine.items()
        if each.number // PARTS % ROUNDS_TO_FIGURES == rounds % ROUNDS_TO_FIGURES
    }
    bearers = {each.bearer for each in kept.values() if hash(each.bearer) % PARTS == part}
    if not (mine or bearers):
        return {}
    refused, over = await database_sync_to_async(_look, thread_sensitive=False)(bearers, mine, counted)
    ends = dict.fromkeys(over, (closing.NORMAL, "ended"))
    return ends | {session_id: refused[each.bearer] for session_id, each in kept.items() if each.bearer in refused}


def _look(bearers: Collection[str], ids: Collection[str], counted: Mapping[str, Figures]) -> tuple[dict[str, End], set[str]]:
    """The bearers who may no longer call, with what they are told, and the sessions that are over."""
    refused: dict[str, End] = {}
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
