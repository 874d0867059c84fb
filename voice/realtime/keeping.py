"""Shows in their rows that the live sessions of a process live, and ends those that somebody else has ended there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import NoReturn
from weakref import WeakKeyDictionary

from jobs import closing
from jobs.rounds import PARTS, End, Rounds
from voice import live
from voice.live import Figures

ROUNDS_TO_FIGURES = 10
# a session's figures are written so seldom: a process that is killed takes half a minute of them along

_numbers = count()


@dataclass(frozen=True, slots=True, eq=False)
class _Kept:
    session_id: str
    figures: Callable[[], Figures]
    number: int = field(default_factory=lambda: next(_numbers))

    def __hash__(self) -> int:
        return self.number


async def keep(session_id: str, figures: Callable[[], Figures]) -> NoReturn:
    """Look after a session for as long as this is awaited; raise Closed when it is to end."""
    rounds = _sessions.setdefault(asyncio.get_running_loop(), Rounds(_look))
    await rounds.stay(_Kept(session_id, figures))


def _look(kept: Collection[_Kept], number: int) -> Mapping[_Kept, End]:
    for each in kept:
        if each.number // PARTS % ROUNDS_TO_FIGURES == number % ROUNDS_TO_FIGURES:
            live.beat(each.session_id, each.figures())
    over = live.beat_all([each.session_id for each in kept])
    return {each: (closing.NORMAL, "ended") for each in kept if each.session_id in over}


_sessions: WeakKeyDictionary[asyncio.AbstractEventLoop, Rounds[_Kept]] = WeakKeyDictionary()
