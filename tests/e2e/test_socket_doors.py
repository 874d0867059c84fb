"""What all sockets have in common, whatever is said over them, against the running system: daphne embedded, uvicorn deployed."""

from __future__ import annotations

import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.e2e.sockets import ABNORMAL, PATHS, end, opened, status
from tests.e2e.system import ROOT, System, free_port
from tests.waiting import TIMEOUT_S, wait_until

pytestmark = pytest.mark.shapes("embedded", "deployed")

MASK = b"\0\0\0\0"
FRAMES = {
    "no kind": (b"\x8f\x80" + MASK, 1002),
    "compressed": (b"\xc1\x82" + MASK + b"{}", 1002),
    "unmasked": (b"\x81\x02{}", 1002),
    "no text": (b"\x81\x81" + MASK + b"\xff", 1007),
    "a ping too large": (b"\x89\xfe\x00\x7e" + MASK + bytes(126), 1002),
    "a ping in parts": (b"\x09\x80" + MASK, 1002),
    "closed for nothing": (b"\x88\x82" + MASK + struct.pack("!H", 1005), 1002),
    "closed with no text": (b"\x88\x83" + MASK + struct.pack("!H", 1000) + b"\xff", 1007),
    "a part of nothing": (b"\x80\x81" + MASK + b"x", 1002),
}
PING = b"\x89\x84" + MASK + b"ping"
HANDSHAKE = """GET {path} HTTP/1.1
Host: 127.0.0.1:{port}
Connection: Upgrade
Upgrade: websocket
Sec-WebSocket-Version: 13
Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==
Authorization: {authorization}

"""
SERVE = """
import sys
import django
from django.core.management import call_command
django.setup()
import config.servers
config.servers.PING_SECONDS = 4
call_command("serve", port=int(sys.argv[1]), server=sys.argv[2])
"""
CHANGES = {"version": "Version: 13", "key": "MDEyMzQ1Njc4OWFiY2RlZg==", "upgrade": "Upgrade: websocket\n"}


def raw(system: System, path: str, port: int = 0, **changed: str) -> socket.socket:
    """A connection on which nothing but the opening was said, with lines of it changed."""
    lines = HANDSHAKE.format(path=path, port=port or system.port, authorization=system.headers["Authorization"])
    for given, instead in changed.items():
        old = CHANGES[given]
        assert old in lines
        lines = lines.replace(old, instead)
    connection = socket.create_connection(("127.0.0.1", port or system.port), timeout=TIMEOUT_S)
    connection.sendall(lines.replace("\n", "\r\n").encode())
    return connection


def answered(connection: socket.socket) -> int:
    with connection:
        return int(connection.recv(4096).split(b" ", 2)[1])


def files(system: System) -> int:
    return len(list(Path(f"/proc/{system.web.pid}/fd").iterdir()))


def memory(system: System) -> int:
    """Bytes that the server holds."""
    told = Path(f"/proc/{system.web.pid}/status").read_text()
    return int(next(line for line in told.splitlines() if line.startswith("VmRSS")).split()[1]) * 1024


@pytest.mark.parametrize("path", PATHS)
def test_a_page_of_a_stranger_opens_nothing_and_one_of_our_own_does(system: System, path: str):
    def from_page(origin: str) -> dict[str, str]:
        return {**system.headers, "Origin": origin}

    strange = ["https://evil.example", "null", "http://127.0.0.1.evil.example", f"http://127.0.0.1:{system.port + 1}"]
    malformed = ["http://[::1", "http://127.0.0.1:99999"]

    assert [status(system, path, from_page(origin)) for origin in strange] == [403] * len(strange)
    # of these daphne says itself that it can't read them
    assert {status(system, path, from_page(origin)) for origin in malformed} <= {400, 403}
    with opened(system, path, from_page(f"http://127.0.0.1:{system.port}")), opened(system, path):
        pass


@pytest.mark.parametrize("path", PATHS)
def test_what_is_no_opening_of_a_socket_is_refused(system: System, path: str):
    told = httpx.get(f"{system.url}{path}", headers=system.headers)

    assert (told.status_code, told.json()["error"]["code"], told.headers["upgrade"]) == (426, "upgrade_required", "websocket")
    assert answered(raw(system, path, upgrade="")) in (400, 426)
    assert answered(raw(system, path, version="Version: 12")) in (400, 426)
    assert answered(raw(system, path, key="short")) == 400


@pytest.mark.parametrize("path", PATHS)
def test_a_frame_against_the_protocol_ends_the_socket(system: System, path: str):
    others = {}
    for name, (frame, code) in FRAMES.items():
        with opened(system, path) as connection:
            connection.socket.sendall(frame)
            if (found := end(connection)) not in {code, ABNORMAL}:
                others[name] = found

    assert not others


@pytest.mark.parametrize("path", PATHS)
def test_nothing_is_compressed(system: System, path: str):
    with opened(system, path) as connection:
        assert connection.protocol.extensions == []


def test_a_flood_of_pings_ends_the_socket_and_what_answers_nobody_reads_are_not_kept(system: System):
    before = memory(system)
    with opened(system, "/v1/events") as reading, raw(system, "/v1/events") as deaf:
        for _ in range(50):
            reading.ping()
        reading.send("{")
        after_some = reading.recv(timeout=TIMEOUT_S)
        with suppress(OSError):
            reading.socket.sendall(PING * 20_000)
        ends = end(reading)
        deaf.settimeout(1)
        with suppress(OSError):
            for _ in range(100):
                deaf.sendall(PING * 10_000)
    grown = memory(system) - before

    assert "parse_error" in after_some
    assert ends in {1008, ABNORMAL}
    assert grown < 15 << 20


def test_clients_that_leave_at_once_leave_nothing_behind(system: System):
    before = files(system)
    for number in range(150):
        connection = raw(system, PATHS[number % len(PATHS)])
        if number % 2:
            # gone without a word: the system answers what is sent to it with a reset
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()

    wait_until(lambda: files(system) <= before + 5)
    # nor are they counted: a user may have ten
    wait_until(lambda: room_for(system, 10))


def room_for(system: System, number: int) -> bool:
    with ExitStack() as stack:
        held = [stack.enter_context(opened(system, "/v1/audio/speech/stream")) for _ in range(number)]
        with suppress(ConnectionClosed):
            for each in held:
                each.send("{")
                each.recv(timeout=TIMEOUT_S)
            return True
    return False


@pytest.fixture
def impatient(system: System) -> Iterator[int]:
    """The port of a server that asks after four seconds of silence whether a client is still there."""
    port = free_port()
    serve = [sys.executable, "-c", SERVE, str(port), system.server]
    server = subprocess.Popen(
        serve, cwd=ROOT, env={**system.environment, "DJANGO_SETTINGS_MODULE": "config.settings"}, stdout=system.log, stderr=system.log
    )
    try:
        wait_until(lambda: f":{port}" in system.logged())
        yield port
    finally:
        server.terminate()
        server.wait(TIMEOUT_S)


def test_who_does_not_answer_is_taken_for_gone_and_who_does_is_not(system: System, impatient: int):
    address = f"ws://127.0.0.1:{impatient}/v1/events"
    with ExitStack() as stack:
        silent = [stack.enter_context(raw(system, path, impatient)) for path in PATHS[:2]]
        there = stack.enter_context(connect(address, additional_headers=system.headers, ping_interval=None))
        for connection in silent:
            with suppress(ConnectionResetError):
                while connection.recv(4096):
                    pass
        there.send("{")
        told = there.recv(timeout=TIMEOUT_S)

    assert "parse_error" in told
