"""What has no end of its own must not hold up a server that is told to stop."""

from __future__ import annotations

import signal
import socket
import subprocess

import httpx
import pytest
from websockets.sync.client import connect

from tests.e2e.sockets import end
from tests.e2e.system import System
from tests.e2e.test_events import hear, resting, say
from tests.waiting import TIMEOUT_S, wait_until

pytestmark = pytest.mark.shapes("deployed")


@pytest.fixture
def served(system: System) -> tuple[subprocess.Popen[bytes], int]:
    """A web process that the test may stop, and its port."""
    return system.add_server()


def test_streams_of_events_and_sockets_end_when_the_server_stops(system: System, served: tuple[subprocess.Popen[bytes], int]):
    server, port = served
    headers = system.another_user("iris")
    [job] = resting(system, "iris")
    with (
        httpx.stream("GET", f"http://127.0.0.1:{port}/v1/jobs/{job}/events", headers=headers, timeout=TIMEOUT_S) as stream,
        connect(f"ws://127.0.0.1:{port}/v1/events", additional_headers=headers) as connection,
        connect(f"ws://127.0.0.1:{port}/v1/audio/speech/stream", additional_headers=headers) as speech,
    ):
        say(connection, type="job.subscribe", job_id=job)
        hear(connection)
        say(speech, type="session.start", voice="slt")
        hear(speech)
        lines = stream.iter_lines()
        next(lines)

        server.send_signal(signal.SIGTERM)
        list(lines)  # raises where it is cut off
        codes = [end(each) for each in (connection, speech)]
        status = server.wait(TIMEOUT_S)

    assert (codes, status) == ([1012, 1012], 0)


def test_who_has_connected_when_the_server_is_told_to_stop_is_answered(served: tuple[subprocess.Popen[bytes], int]):
    server, port = served
    server.send_signal(signal.SIGSTOP)  # so that it sees the connections and the signal at once
    with (
        socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S) as early,
        socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S) as idle,
    ):
        early.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        server.send_signal(signal.SIGTERM)
        server.send_signal(signal.SIGCONT)
        answer = early.recv(4096)
        wait_until(lambda: not listens(port))
        status = server.wait(TIMEOUT_S)
        nothing = idle.recv(1)

    assert answer.startswith(b"HTTP/1.1 200")
    assert (status, nothing) == (0, b"")


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S).close()
    except ConnectionRefusedError:
        return False
    return True
