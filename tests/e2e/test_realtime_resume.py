"""A client that was cut off comes back to its conversation, on the running system."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.e2e.system import System
from tests.waiting import TIMEOUT_S, wait_until

pytestmark = pytest.mark.shapes("deployed")


def opened(system: System, headers: dict[str, str], query: str = "") -> ClientConnection:
    connection: ClientConnection = connect(f"ws://127.0.0.1:{system.port}/v1/realtime{query}", additional_headers=headers, legacy=True)
    return connection


def told(connection: ClientConnection, kind: str) -> dict[str, Any]:
    """The next event of a kind."""
    while True:
        event: dict[str, Any] = json.loads(connection.recv(timeout=TIMEOUT_S))
        if event["type"] == kind:
            return event


def write(connection: ClientConnection, text: str) -> None:
    item = {"type": "message", "role": "user", "id": "item_mine", "content": [{"type": "input_text", "text": text}]}
    connection.send(json.dumps({"type": "conversation.item.create", "item": item}))
    told(connection, "conversation.item.done")


def begun(connection: ClientConnection) -> str:
    session_id: str = told(connection, "session.created")["session"]["id"]
    session = {"type": "realtime", "output_modalities": ["text"], "instructions": "Be brief."}
    connection.send(json.dumps({"type": "session.update", "session": session}))
    told(connection, "session.updated")
    write(connection, "Remember me.")
    return session_id


def came_back(system: System, headers: dict[str, str], session_id: str) -> ClientConnection:
    """As a client does that is told to try again."""

    def try_again() -> ClientConnection | None:
        connection = opened(system, headers, f"?session_id={session_id}")
        first = json.loads(connection.recv(timeout=TIMEOUT_S))
        if first["type"] != "session.created":
            connection.close()
            return None
        assert (first["session"]["id"], first["session"]["instructions"]) == (session_id, "Be brief.")
        return connection

    connection = wait_until(try_again)
    assert connection is not None
    return connection


@pytest.mark.parametrize("how", ["cut", "held"])
def test_a_client_that_was_cut_off_finds_its_conversation(system: System, how: str):
    headers = system.another_user(f"resumes-{how}")
    first = opened(system, headers)
    session_id = begun(first)
    if how == "cut":
        first.socket.shutdown(socket.SHUT_RDWR)

    with came_back(system, headers, session_id) as second:
        second.send(json.dumps({"type": "conversation.item.retrieve", "item_id": "item_mine"}))
        kept = told(second, "conversation.item.retrieved")["item"]
        second.send(json.dumps({"type": "response.create"}))
        answer = told(second, "response.done")["response"]

    assert kept["content"] == [{"type": "input_text", "text": "Remember me."}]
    assert answer["output"][0]["content"][0]["text"] == "Remember me."


def test_nobody_comes_back_to_a_session_that_is_over_or_anothers(system: System):
    mine, theirs = system.another_user("over"), system.another_user("thief")
    with opened(system, mine) as connection:
        session_id = begun(connection)
        with opened(system, theirs, f"?session_id={session_id}") as other:
            refused = json.loads(other.recv(timeout=TIMEOUT_S))
            with pytest.raises(ConnectionClosed) as closed:
                other.recv(timeout=TIMEOUT_S)

    # its client said goodbye
    with opened(system, mine, f"?session_id={session_id}") as again:
        gone = json.loads(again.recv(timeout=TIMEOUT_S))

    assert (refused["error"]["code"], closed.value.rcvd and closed.value.rcvd.code) == ("session_not_found", 4404)
    assert gone["error"]["code"] == "session_not_found"
