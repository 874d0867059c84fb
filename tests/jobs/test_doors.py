"""The door that all sockets have."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from channels.db import database_sync_to_async
from structlog.testing import capture_logs

from accounts.models import Scope, User
from accounts.tokens import issue_key
from jobs.closing import Closed
from jobs.doors import Door, Visit
from jobs.handshake import EVENTS
from jobs.sockets import sockets

pytestmark = pytest.mark.django_db(transaction=True)


async def called(door: Door, key: str) -> list[dict[str, Any]]:
    """What the server is told to do."""
    scope = {"type": "websocket", "path": "/", "query_string": b"", "headers": [(b"authorization", f"Bearer {key}".encode())]}
    done: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        done.append(message)

    await door({**scope, "subprotocols": []}, receive, send)
    return done


async def test_what_goes_wrong_behind_it_is_logged_once_and_told_as_1011_and_the_others_stay(alice: User):
    key = await database_sync_to_async(issue_key)(owner=alice, name="key", scopes=list(Scope))
    over = asyncio.Event()

    async def broken(_visit: Visit) -> Closed:
        raise RuntimeError("a mistake of ours")

    async def sound(_visit: Visit) -> Closed:
        await over.wait()
        return Closed(1000, "ended")

    with capture_logs() as logs:
        other = asyncio.create_task(called(Door(EVENTS, Scope.JOBS, sound), key[1]))
        done = await called(Door(EVENTS, Scope.JOBS, broken), key[1])
        over.set()
        others = await other

    assert [each["type"] for each in done] == ["websocket.accept", "websocket.close"]
    assert (done[1]["code"], done[1]["reason"], others[1]["code"]) == (1011, "internal_error", 1000)
    assert [line["event"] for line in logs if line["log_level"] == "error"] == ["unexpected"]
    assert sockets().add(str(alice.pk), "one more", most=1)


async def test_a_fault_before_it_is_opened_is_told_on_the_open_socket_too(alice: User, monkeypatch: pytest.MonkeyPatch):
    async def broken(*_: Any) -> None:
        raise RuntimeError("a mistake of ours")

    async def hold(_visit: Visit) -> Closed:
        raise AssertionError("nobody was let in")

    monkeypatch.setattr("jobs.doors.admit", broken)

    done = await called(Door(EVENTS, Scope.JOBS, hold), "key")

    assert [(each["type"], each.get("code")) for each in done] == [("websocket.accept", None), ("websocket.close", 1011)]
