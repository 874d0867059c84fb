"""Sockets of the running system, opened by a plain WebSocket client."""

from __future__ import annotations

from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.e2e.system import System
from tests.waiting import TIMEOUT_S

PATHS = ("/v1/realtime", "/v1/events", "/v1/audio/speech/stream")
ABNORMAL = 1006  # the connection was cut without a word: daphne does that with much that is against the protocol


def opened(system: System, path: str, headers: dict[str, str] | None = None, **options: Any) -> ClientConnection:
    address = f"ws://127.0.0.1:{system.port}{path}"
    connection: ClientConnection = connect(address, additional_headers=system.headers if headers is None else headers, **options)
    return connection


def end(connection: ClientConnection) -> int:
    """The code that the server has closed the socket with, whatever it has told before that."""
    try:
        while True:
            connection.recv(timeout=TIMEOUT_S)
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else ABNORMAL


def status(system: System, path: str, headers: dict[str, str]) -> int:
    """What the opening of a socket that is refused is answered with."""
    with pytest.raises(InvalidStatus) as refused, opened(system, path, headers):
        pass
    return refused.value.response.status_code
