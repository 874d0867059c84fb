"""How many sockets a user has open, against the running system."""

from __future__ import annotations

import json
import socket
import time
from contextlib import ExitStack

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.e2e.system import System, free_port

pytestmark = [pytest.mark.e2e, pytest.mark.shapes("deployed")]

MOST = 10
PATIENCE = 30
UNKNOWN = json.dumps({"type": "job.subscribe", "job_id": "job_00000000000000000000000000"})


def opened(port: int, headers: dict[str, str]) -> ClientConnection:
    connection: ClientConnection = connect(f"ws://127.0.0.1:{port}/v1/events", additional_headers=headers)
    return connection


def code_of(connection: ClientConnection) -> int | None:
    """What the server has closed the socket with; none when it listens."""
    try:
        connection.send(UNKNOWN)
        connection.recv(timeout=PATIENCE)
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else 0
    return None


def admitted_soon(port: int, headers: dict[str, str]) -> bool:
    """Whether there is room for one more, once the server has seen who is gone."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with opened(port, headers) as connection:
            if code_of(connection) is None:
                return True
        time.sleep(0.1)
    return False


def cut(connection: ClientConnection) -> None:
    """As a client that crashes: no word is said."""
    connection.socket.shutdown(socket.SHUT_RDWR)
    connection.socket.close()


def test_a_user_has_so_many_open_and_those_that_are_gone_do_not_count(system: System):
    headers, stranger = system.another_user("gina"), system.another_user("hugo")
    with ExitStack() as stack:
        mine = [stack.enter_context(opened(system.port, headers)) for _ in range(MOST)]
        codes = [code_of(each) for each in mine]
        one_more = code_of(stack.enter_context(opened(system.port, headers)))
        strangers = code_of(stack.enter_context(opened(system.port, stranger)))
        for connection in mine[:5]:
            cut(connection)
        again = [admitted_soon(system.port, headers) for _ in range(3)]

    assert (codes, one_more, strangers) == ([None] * MOST, 4429, None)
    assert again == [True] * 3
    # nothing is left of any of them
    with ExitStack() as stack:
        assert admitted_soon(system.port, headers)
        time.sleep(0.5)
        assert [code_of(stack.enter_context(opened(system.port, headers))) for _ in range(MOST)] == [None] * MOST


def test_all_servers_count_together(system: System):
    headers = system.another_user("ivan")
    port = free_port()
    other = system.spawn("serve", "--port", str(port), "--server", "uvicorn")
    try:
        deadline = time.monotonic() + PATIENCE
        while f":{port}" not in system.logged():
            assert time.monotonic() < deadline
            time.sleep(0.1)
        with ExitStack() as stack:
            codes = [code_of(stack.enter_context(opened(each, headers))) for each in (system.port, port) * (MOST // 2)]
            more = [code_of(stack.enter_context(opened(each, headers))) for each in (system.port, port)]
    finally:
        other.terminate()
        other.wait(PATIENCE)

    assert codes == [None] * MOST
    assert more == [4429, 4429]
