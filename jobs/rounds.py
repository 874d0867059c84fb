"""Looks after all that a process holds open, together: one by one, two hundred sockets took half a core, with a thread, a connection and
six statements each, every three seconds. A part at a time, since while a thread asks the database all sockets are served more slowly."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Hashable, Mapping
from contextvars import Context
from itertools import count
from typing import Generic, NoReturn, TypeVar
from weakref import WeakKeyDictionary

import structlog
from channels.db import database_sync_to_async
from django.db import InterfaceError, OperationalError

from accounts.models import Scope
from config.errors import Forbidden, Refusal
from jobs import closing
from jobs.admission import CHECK_EVERY, check, stopping
from jobs.closing import Closed

log = structlog.get_logger("socket")

PARTS = 10
# each of which is looked at every CHECK_EVERY seconds

End = tuple[int, str]
# a socket's code and reason
One = TypeVar("One", bound=Hashable)


class Rounds(Generic[One]):
    """Of one event loop. They are made for as long as there is something to look after.

    `look` is told a part of them and the number of the round, in a thread, and tells those that are to end.
    """

    def __init__(self, look: Callable[[Collection[One], int], Mapping[One, End]]) -> None:
        self._look = look
        self._waiting: dict[One, set[asyncio.Future[End]]] = {}
        self._task: asyncio.Task[None] | None = None

    async def stay(self, one: One) -> NoReturn:
        """Have it looked after for as long as this is awaited; raise Closed when it is to end."""
        end: asyncio.Future[End] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(one, set()).add(end)
        if self._task is None:
            # of nobody in particular: what is bound to the log of the first is not bound to this
            self._task = asyncio.create_task(self._look_after_all(), context=Context())
        try:
            raise Closed(*await end)
        finally:
            self._waiting[one].discard(end)
            if not self._waiting[one]:
                del self._waiting[one]
            if not self._waiting and self._task is not None:
                self._task.cancel()
                self._task = None

    async def _look_after_all(self) -> NoReturn:
        for turn in count():
            await asyncio.sleep(CHECK_EVERY / PARTS)
            try:
                ends = await self._ends(turn)
            except (OperationalError, InterfaceError):
                continue  # nobody knows now, and there is nothing to tell either
            except Exception as fault:  # nobody may go on unwatched
                log.error("unexpected", exc_info=fault)
                ends = dict.fromkeys(self._waiting, (closing.INTERNAL_ERROR, "internal_error"))
            for one, end in ends.items():
                for waiting in self._waiting.get(one, ()):
                    if not waiting.done():
                        waiting.set_result(end)
        raise AssertionError("there is always another turn")

    async def _ends(self, turn: int) -> Mapping[One, End]:
        if stopping.is_set():
            return dict.fromkeys(self._waiting, (closing.SERVICE_RESTART, "service_restart"))
        part = [one for one in self._waiting if hash(one) % PARTS == turn % PARTS]
        if not part:
            return {}
        found: Mapping[One, End] = await database_sync_to_async(self._look, thread_sensitive=False)(part, turn // PARTS)
        return found


Caller = tuple[str, Scope]
# a bearer, and what he must be allowed


async def watch_caller(bearer: str, scope: Scope) -> NoReturn:
    """Raise Closed as soon as he may call no more, or the process is to stop."""
    rounds = _callers.setdefault(asyncio.get_running_loop(), Rounds(_refused))
    await rounds.stay((bearer, scope))


def _refused(callers: Collection[Caller], _round: int) -> Mapping[Caller, End]:
    ends: dict[Caller, End] = {}
    for caller in callers:
        try:
            check(*caller)
        except Forbidden:
            ends[caller] = closing.NOT_ALLOWED, "not_allowed"
        except Refusal:
            ends[caller] = closing.NOT_AUTHENTICATED, "not_authenticated"
    return ends


_callers: WeakKeyDictionary[asyncio.AbstractEventLoop, Rounds[Caller]] = WeakKeyDictionary()
