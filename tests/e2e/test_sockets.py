"""How many sockets a user has open, against the running system."""

from __future__ import annotations

import json
import socket
from contextlib import ExitStack

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.e2e.system import System
from tests.waiting import TIMEOUT_S, wait_until

pytestmark = pytest.mark.shapes("deployed")

MOST = 10
UNKNOWN = json.dumps({"type": "job.subscribe", "job_id": "job_00000000000000000000000000"})


def opened(port: int, headers: dict[str, str]) -> ClientConnection:
    connection: ClientConnection = connect(f"ws://127.0.0.1:{port}/v1/events", additional_headers=headers)
    return connection


def code_of(connection: ClientConnection) -> int | None:
    """What the server has closed the socket with; none when it listens."""
    try:
        connection.send(UNKNOWN)
        connection.recv(timeout=TIMEOUT_S)
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else 0
    return None


def has_room_for(number: int, port: int, headers: dict[str, str]) -> bool:
    with ExitStack() as stack:
        return all(code_of(stack.enter_context(opened(port, headers))) is None for _ in range(number))


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
        wait_until(lambda: has_room_for(5, system.port, headers))

    assert (codes, one_more, strangers) == ([None] * MOST, 4429, None)
    # nothing is left of any of them
    wait_until(lambda: has_room_for(MOST, system.port, headers))


def test_all_servers_count_together(system: System):
    headers = system.another_user("ivan")
    other, port = system.add_server()
    try:
        with ExitStack() as stack:
            codes = [code_of(stack.enter_context(opened(each, headers))) for each in (system.port, port) * (MOST // 2)]
            more = [code_of(stack.enter_context(opened(each, headers))) for each in (system.port, port)]
    finally:
        other.terminate()
        other.wait(TIMEOUT_S)

    assert codes == [None] * MOST
    assert more == [4429, 4429]
