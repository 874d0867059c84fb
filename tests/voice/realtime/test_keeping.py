"""Who looks after the live sessions of a process, all at once."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from channels.db import database_sync_to_async
from django.db import connections
from django.utils import timezone

from accounts import tokens
from accounts.models import Scope, User
from config.errors import Refusal
from jobs.closing import Closed
from jobs.rounds import watch_caller
from tests.factories import make_live_session
from tests.waiting import TIMEOUT_S, wait_until
from voice.live import PROCESS, Figures
from voice.models import LiveSession
from voice.realtime.keeping import ROUNDS_TO_FIGURES, keep

FIGURES = Figures(2.5, 1.25, 3, 40, 50, 1, 210, 480, 650)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.shapes("embedded", "deployed")]


@pytest.fixture(autouse=True)
def frequent_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.rounds.CHECK_EVERY", 0.1)


def open_session(owner: User) -> LiveSession:
    return make_live_session(owner, process=PROCESS, seen_at=timezone.now() - timedelta(seconds=20))


async def looked_after(session_id: str, bearer: str) -> None:
    """As an open socket is, by both; the first says how it ends."""
    both = [asyncio.ensure_future(keep(session_id, Figures)), asyncio.ensure_future(watch_caller(bearer, Scope.REALTIME))]
    try:
        done, _ = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        await done.pop()
    finally:
        for task in both:
            task.cancel()


async def in_thread(act, *arguments):
    return await database_sync_to_async(act, thread_sensitive=False)(*arguments)


def test_sessions_end_whose_callers_may_no_longer_call_and_those_that_somebody_ends(alice: User):
    revoked_key, revoked = tokens.issue_key(owner=alice, name="revoked", scopes=[Scope.REALTIME])
    lesser_key, lesser = tokens.issue_key(owner=alice, name="lesser", scopes=[Scope.REALTIME])
    _, good = tokens.issue_key(owner=alice, name="good", scopes=[Scope.REALTIME])
    rows = [open_session(alice) for _ in range(4)]
    looked_after_again = LiveSession.objects.filter(pk=rows[3].pk, seen_at__gt=rows[3].seen_at)

    async def ends() -> list[tuple[int | None, str]]:
        bearers = [revoked, lesser, good, good]
        kept = [asyncio.create_task(looked_after(row.pk, bearer)) for row, bearer in zip(rows, bearers, strict=True)]
        await in_thread(revoked_key.revoke)
        await in_thread(lambda: type(lesser_key).objects.filter(pk=lesser_key.pk).update(scopes=[Scope.JOBS]))
        await in_thread(rows[2].ask_to_end, "ended_by_owner")
        await asyncio.wait(kept[:3], timeout=TIMEOUT_S)
        await in_thread(wait_until, looked_after_again.exists)
        found = [(end.code, end.reason) for task in kept[:3] if isinstance(end := task.exception(), Closed)]
        assert not kept[3].done()
        kept[3].cancel()
        await in_thread(connections.close_all)
        return found

    assert async_to_sync(ends)() == [(4401, "not_authenticated"), (4403, "not_allowed"), (1000, "ended")]


def test_what_sessions_came_to_is_written_down_and_nothing_stays_behind_them(alice: User):
    rows = [open_session(alice) for _ in range(ROUNDS_TO_FIGURES)]

    async def stay() -> None:
        kept = [asyncio.create_task(keep(row.pk, lambda: FIGURES)) for row in rows]
        with_figures = LiveSession.objects.filter(seconds_in=FIGURES.seconds_in)
        await in_thread(wait_until, with_figures.exists)
        for task in kept:
            task.cancel()
        await asyncio.wait(kept)
        assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task() and "_look_after_all" in repr(task)] == []

    async_to_sync(stay)()


def test_nobody_is_kept_whose_round_breaks(alice: User):
    row = open_session(alice)

    def broken() -> Figures:
        raise Refusal("no figures")

    async def kept() -> None:
        await keep(row.pk, broken)

    with pytest.raises(Closed) as end:
        async_to_sync(kept)()

    assert (end.value.code, end.value.reason) == (1011, "internal_error")
