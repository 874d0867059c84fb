"""What is refused before Django sees it, and the pages that need no key."""

from __future__ import annotations

import http.client
import json
import socket
import time

import httpx
import pytest

from tests.e2e.system import System
from tests.waiting import TIMEOUT_S, wait_until

pytestmark = pytest.mark.shapes("deployed")


def raw(system: System, request: bytes) -> tuple[int, bytes]:
    """Return the status and the body of what the server answers to bytes."""
    with socket.create_connection(("127.0.0.1", system.port), timeout=TIMEOUT_S) as connection:
        connection.sendall(request)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        return answer.status, answer.read()


def test_a_body_that_says_it_is_too_large_is_refused(system: System):
    with system.client() as client:
        answer = client.post("/v1/audio/speech", content=b" " * (3 << 20), headers={"Content-Type": "application/json"})

    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "body_too_large"
    assert answer.headers["x-request-id"].startswith("req_")


def test_a_body_that_turns_out_too_large_is_refused(system: System):
    def pieces():
        for _ in range(48):
            yield b" " * 65536

    with system.client() as client:
        answer = client.post("/v1/audio/speech", content=pieces(), headers={"Content-Type": "application/json"})

    assert answer.status_code == 413


def test_who_sends_too_much_slowly_reads_that_it_is_too_much(system: System):
    piece = b" " * 65536
    with socket.create_connection(("127.0.0.1", system.port), timeout=TIMEOUT_S) as connection:
        connection.sendall(b"POST /v1/audio/speech HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % (48 * len(piece)))
        for _ in range(48):
            connection.sendall(piece)
            time.sleep(0.01)  # so that the refusal is there before the rest
        answer = connection.recv(65536)

    assert answer.startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize("length", [b"-1", b"abc", b"1e3"])
def test_a_length_that_is_no_number_is_refused(system: System, length: bytes):
    status, _ = raw(system, b"POST /v1/audio/speech HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + length + b"\r\n\r\n")

    assert status == 400


def test_two_authorizations_are_refused(system: System):
    key = system.key.encode()
    lines = b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + 2 * (b"Authorization: Bearer " + key + b"\r\n")

    status, _ = raw(system, lines + b"\r\n")

    assert status in (400, 401)


def test_a_key_in_the_query_is_not_read(system: System):
    assert httpx.get(f"{system.url}/v1/models?api_key={system.key}&token={system.key}").status_code == 401


def test_a_websocket_is_refused_in_good_order(system: System):
    from websockets.exceptions import InvalidStatus
    from websockets.sync.client import connect

    with pytest.raises(InvalidStatus) as refused, connect(f"ws://127.0.0.1:{system.port}/v1/realtime"):
        pass

    assert refused.value.response.status_code == 403


def test_it_says_that_it_lives_and_is_ready(system: System):
    assert httpx.get(f"{system.url}/healthz").json() == {"status": "ok"}
    assert httpx.get(f"{system.url}/readyz").json() == {"status": "ok", "parts": {"database": "ok", "redis": "ok", "workers": "ok"}}


def test_its_documentation_works_without_the_internet(system: System):
    page = httpx.get(f"{system.url}/docs").text
    assert "https://" not in page.replace("https://www.w3.org", "")
    for path in [part.split('"')[0] for part in page.split('"/static/')[1:]]:
        assert httpx.get(f"{system.url}/static/{path}").status_code == 200, path


def test_it_describes_itself(system: System):
    schema = httpx.get(f"{system.url}/openapi.json").json()

    assert schema["openapi"].startswith("3.")
    assert {"/v1/audio/speech", "/v1/models", "/v1/outputs/{id}/content", "/v1/auth/token", "/v1/api-keys"} <= set(schema["paths"])


def test_the_admin_has_its_styles(system: System):
    assert httpx.get(f"{system.url}/static/admin/css/base.css").status_code == 200
    assert "csrfmiddlewaretoken" in httpx.get(f"{system.url}/admin/login/").text


@pytest.mark.parametrize("path", ["../../etc/passwd", "..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e/config/settings.py", "a%00b", "admin/css"])
def test_no_other_file_is_served_as_a_style(system: System, path: str):
    status, body = raw(system, f"GET /static/{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())

    assert status in (400, 404)
    assert b'"code"' in body


def test_every_line_of_the_log_is_json_and_holds_no_key(system: System):
    answer = httpx.get(f"{system.url}/v1/models", headers={**system.headers, "User-Agent": "canary\x1b[31m"})
    wait_until(lambda: answer.headers["x-request-id"] in system.logged())

    lines = [line for line in system.logged().splitlines() if line and not line.startswith("Serving")]

    assert lines
    for line in lines:
        json.loads(line)
    assert system.key not in system.logged()
    assert any(json.loads(line).get("request_id") for line in lines)


def test_the_metrics_are_told_to_this_machine_and_not_through_a_proxy(system: System):
    near = httpx.get(f"{system.url}/metrics", headers={"Host": "whatever.example"})
    through_a_proxy = httpx.get(f"{system.url}/metrics", headers={"X-Forwarded-For": "127.0.0.1"})

    assert near.status_code == 200
    assert 'voice_queue_workers{queue="live"} 1.0' in near.text
    assert 'role="web"' in near.text
    assert through_a_proxy.status_code == 403
    assert "voice_" not in through_a_proxy.text
    assert '"/metrics"' not in system.logged()


def test_a_request_is_named_in_its_answer(system: System):
    assert httpx.get(f"{system.url}/healthz", headers={"x-request-id": "chosen-by-a-stranger"}).headers["x-request-id"].startswith("req_")
