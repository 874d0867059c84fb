"""What has no end of its own must not hold up a server that is told to stop."""

from __future__ import annotations

import signal
import socket
import time
from pathlib import Path

import pytest
from websockets.sync.client import connect

from config.servers import DRAIN_SECONDS
from tests.e2e.sockets import end
from tests.e2e.system import System, running
from tests.e2e.test_events import hear, resting, say

pytestmark = [pytest.mark.e2e, pytest.mark.shapes("deployed")]

PATIENCE = 60
LOOKED = 0.4
# seconds by which uvicorn has seen the signal, for which it looks ten times a second


@pytest.fixture
def served(folder: Path):
    with running(folder, server="uvicorn") as system:
        yield system


def test_streams_of_events_and_sockets_end_when_the_server_stops(served: System):
    headers = served.another_user("alice")
    [job] = resting(served, "alice")
    with (
        served.client() as client,
        client.stream("GET", f"/v1/jobs/{job}/events", headers=headers) as stream,
        connect(f"ws://127.0.0.1:{served.port}/v1/events", additional_headers=headers) as connection,
        connect(f"ws://127.0.0.1:{served.port}/v1/audio/speech/stream", additional_headers=headers) as speech,
    ):
        say(connection, type="job.subscribe", job_id=job)
        hear(connection)
        say(speech, type="session.start", voice="slt")
        hear(speech)
        lines = stream.iter_lines()
        next(lines)

        told = time.monotonic()
        served.web.send_signal(signal.SIGTERM)
        list(lines)  # raises where it is cut off
        ended = time.monotonic() - told
        codes = [end(each) for each in (connection, speech)]
        status = served.web.wait(PATIENCE)
        stopped = time.monotonic() - told

    assert (codes, status) == ([1012, 1012], 0)
    assert ended < stopped < DRAIN_SECONDS / 2


def test_who_has_connected_when_the_server_is_told_to_stop_is_answered(served: System):
    with (
        socket.create_connection(("127.0.0.1", served.port), timeout=PATIENCE) as early,
        socket.create_connection(("127.0.0.1", served.port), timeout=PATIENCE) as idle,
    ):
        served.web.send_signal(signal.SIGTERM)
        time.sleep(LOOKED)
        early.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = early.recv(4096)
        refused = no_longer_listens(served.port)
        status = served.web.wait(PATIENCE)
        nothing = idle.recv(1)

    assert answer.startswith(b"HTTP/1.1 200")
    assert (refused, status, nothing) == (True, 0, b"")


def no_longer_listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE).close()
    except ConnectionRefusedError:
        return True
    return False
