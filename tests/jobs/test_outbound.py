"""Requests to addresses that tenants name: where they go, where they don't, and how long they may take."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from jobs import outbound
from jobs.outbound import ForbiddenTarget, TooLate, Unreachable, is_public, post
from tests.jobs.receivers import Receiver
from tests.waiting import TIMEOUT_S, wait_until

HEADERS = {"content-type": "application/json"}
SHORT = 0.4
# seconds
PUBLIC = "8.8.8.8"

Resolve = Callable[..., list[Any]]


@pytest.fixture(autouse=True)
def _patient(monkeypatch) -> None:
    """Give requests time: most tests are not about a slow receiver."""
    monkeypatch.setattr(outbound, "DEADLINE", TIMEOUT_S)


@pytest.fixture
def inside(settings) -> None:
    """The receivers are in the operator's network."""
    settings.WEBHOOK_PRIVATE = True


@pytest.fixture
def hurried(monkeypatch, inside) -> None:
    monkeypatch.setattr(outbound, "DEADLINE", SHORT)


@pytest.fixture
def names(monkeypatch) -> dict[str, list[list[str]]]:
    """What the outside world's name servers say: for each name the addresses of the first look-up, of the second, and so on."""
    known: dict[str, list[list[str]]] = {}

    def getaddrinfo(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        answers = known.get(host)
        if answers is None:
            raise socket.gaierror("unknown")
        addresses = answers.pop(0) if len(answers) > 1 else answers[0]
        return [
            (socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses
        ]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return known


@pytest.fixture
def connected(monkeypatch) -> list[Any]:
    """Where connections were begun. None is let out of this machine."""
    seen: list[Any] = []

    class Watched(socket.socket):
        def connect(self, where: Any) -> None:
            seen.append(where[0])
            if not ip_address(where[0]).is_loopback:
                raise OSError("not from a test")
            super().connect(where)

    monkeypatch.setattr(socket, "socket", Watched)
    return seen


def test_a_body_arrives_with_its_headers(inside):
    with Receiver(202) as receiver:
        answer = post(f"{receiver.url}?a=b#part", b'{"a": 1}', {**HEADERS, "webhook-id": "msg_1"})

    assert answer.status == 202
    (sent,) = receiver.sent
    assert (sent.path, sent.body) == ("/hook?a=b", b'{"a": 1}')
    assert sent.headers["webhook-id"] == "msg_1"
    assert sent.headers["host"] == f"127.0.0.1:{receiver.port}"


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "10.0.0.1",
        "0.0.0.0",
        "100.64.0.1",
        "169.254.169.254",
        "192.0.0.192",
        "168.63.129.16",
        "224.0.0.1",
        "255.255.255.255",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[2001::1]",
        "[fc00::1]",
        "[fd00:ec2::254]",
        "[fe80::1]",
        "[fec0::1]",
        "[ff0e::1]",
        "2130706433",
        "0177.0.0.1",
        "0x7f.1",
        "127.1",
        "0",
    ],
)
def test_an_address_that_is_not_public_is_refused_however_it_is_written(connected, host):
    with pytest.raises(ForbiddenTarget):
        post(f"https://{host}/", b"", HEADERS)

    assert not connected


@pytest.mark.parametrize("address", [PUBLIC, "2606:4700::1111", "64:ff9b::808:808", "2002:808:808::", "::ffff:8.8.8.8"])
def test_an_address_of_the_internet_is_public(address):
    assert is_public(ip_address(address))


@pytest.mark.parametrize("address", ["127.0.0.1", "::ffff:10.0.0.1", "169.254.169.254", "fe80::1%1"])
def test_a_name_of_a_private_address_is_refused(names, connected, address):
    names["rebind.example"] = [[address]]

    with pytest.raises(ForbiddenTarget):
        post("https://rebind.example/", b"", HEADERS)

    assert not connected


def test_one_private_address_among_public_ones_is_enough(names, connected):
    names["mixed.example"] = [[PUBLIC, "10.0.0.1"]]

    with pytest.raises(ForbiddenTarget):
        post("https://mixed.example/", b"", HEADERS)

    assert not connected


def test_the_address_that_was_checked_is_the_one_connected_to(names, connected):
    names["rebind.example"] = [[PUBLIC], ["127.0.0.1"]]

    with pytest.raises(Unreachable):
        post("https://rebind.example/", b"", HEADERS)

    assert connected == [PUBLIC]


def test_a_name_that_changes_is_connected_to_where_it_was_first(inside, names):
    with Receiver() as first, contextlib.closing(socket.create_server(("127.0.0.2", first.port))):
        names["rebind.example"] = [["127.0.0.1"], ["127.0.0.2"]]

        post(f"http://rebind.example:{first.port}/", b"", HEADERS)

    assert [sent.headers["host"] for sent in first.sent] == [f"rebind.example:{first.port}"]


def test_the_next_address_of_a_name_is_tried_where_the_first_does_not_answer(inside, names):
    with Receiver() as receiver:
        names["two.example"] = [["127.0.0.3", "127.0.0.1"]]

        assert post(f"http://two.example:{receiver.port}/", b"", HEADERS).status == 204


def test_plain_http_is_refused(names, connected):
    names["plain.example"] = [[PUBLIC]]

    with pytest.raises(ForbiddenTarget):
        post("http://plain.example/", b"", HEADERS)

    assert not connected


@pytest.mark.parametrize(
    "url", ["https://user@a.example/", "https:///a", "https://a.example:0/", "https://a.example:70000/", "https://a b/", "x"]
)
def test_what_is_no_address_of_a_host_is_refused(url):
    with pytest.raises(ForbiddenTarget):
        post(url, b"", HEADERS)


def test_a_name_that_is_none_is_unreachable(names):
    with pytest.raises(Unreachable):
        post("https://nobody.example/", b"", HEADERS)


def test_a_redirect_is_not_followed(inside):
    def redirect(handler):
        handler.send_response(302)
        handler.send_header("Location", secret.url)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    with Receiver() as secret, Receiver(redirect) as receiver:
        assert post(receiver.url, b"", HEADERS).status == 302

    assert not secret.sent


def test_no_proxy_of_the_environment_is_used(inside, monkeypatch):
    with Receiver() as proxy, Receiver(201) as receiver:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        monkeypatch.delenv("no_proxy", raising=False)

        assert post(receiver.url, b"", HEADERS).status == 201

    assert not proxy.sent


def test_a_receiver_that_never_answers_is_given_up(hurried):
    with Receiver(lambda _: receiver.over.wait()) as receiver, pytest.raises(TooLate):
        post(receiver.url, b"", HEADERS)


def test_a_receiver_that_drips_its_answer_is_given_up(hurried):
    def drip(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while not receiver.over.wait(0.05):
            handler.wfile.write(b"a")

    with Receiver(drip) as receiver, pytest.raises(TooLate):
        post(receiver.url, b"", HEADERS)


def test_a_receiver_that_drips_after_its_status_is_left_at_the_deadline(hurried):
    def drip(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        while not receiver.over.wait(0.05):
            handler.wfile.write(b"a")

    def is_answered_in_time() -> bool:
        try:
            return post(receiver.url, b"", HEADERS).status == 200
        except TooLate:
            # a busy machine took longer than the deadline to answer at all
            return False

    with Receiver(drip) as receiver:
        wait_until(is_answered_in_time)


def test_a_receiver_that_does_not_read_is_given_up(hurried):
    with socket.create_server(("127.0.0.1", 0)) as deaf, pytest.raises(TooLate):
        post(f"http://127.0.0.1:{deaf.getsockname()[1]}/", b"a" * 50_000_000, HEADERS)


def test_a_handshake_that_never_ends_is_given_up(hurried):
    with socket.create_server(("127.0.0.1", 0)) as deaf, pytest.raises(TooLate):
        post(f"https://127.0.0.1:{deaf.getsockname()[1]}/", b"", HEADERS)


def test_a_look_up_that_never_ends_is_given_up(hurried, monkeypatch):
    over = threading.Event()

    def look_up(*_: Any, **__: Any) -> list[Any]:
        over.wait()
        return []

    monkeypatch.setattr(socket, "getaddrinfo", look_up)

    with pytest.raises(TooLate):
        post("https://slow.example/", b"", HEADERS)
    over.set()


def test_of_an_endless_answer_little_is_read(inside, monkeypatch):
    read: list[int] = []
    recv = socket.socket.recv

    class Counted(socket.socket):
        def recv(self, *arguments: Any) -> bytes:
            data = recv(self, *arguments)
            read.append(len(data))
            return data

    def flood(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n")
        while not receiver.over.is_set():
            handler.wfile.write(b"a" * 65536)

    with Receiver(flood) as receiver:
        monkeypatch.setattr(socket, "socket", Counted)
        assert post(receiver.url, b"", HEADERS).status == 200

    assert sum(read) == outbound.LARGEST_ANSWER


def test_endless_headers_are_no_answer(inside):
    def flood(handler):
        while not receiver.over.is_set():
            handler.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)

    with Receiver(flood) as receiver, pytest.raises(Unreachable):
        post(receiver.url, b"", HEADERS)


def test_what_is_not_http_is_no_answer(inside):
    with Receiver(lambda handler: handler.wfile.write(b"220 mail.example ESMTP\r\n")) as receiver, pytest.raises(Unreachable):
        post(receiver.url, b"", HEADERS)


def test_a_port_where_nobody_listens_is_unreachable(inside):
    with Receiver() as receiver:
        pass

    with pytest.raises(Unreachable):
        post(receiver.url, b"", HEADERS)


def test_a_receiver_that_speaks_no_tls_is_unreachable(inside):
    with Receiver() as receiver, pytest.raises(Unreachable, match="TLS"):
        post(receiver.url.replace("http:", "https:"), b"", HEADERS)


def test_a_receiver_that_breaks_off_is_unreachable(inside):
    def reset(handler):
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        handler.connection.close()

    with Receiver(reset) as receiver, pytest.raises(Unreachable):
        post(receiver.url, b"", HEADERS)


def test_a_receiver_that_answers_before_it_has_read_all_is_heard(inside):
    def refuse(server):
        connection, _ = server.accept()
        connection.recv(1)
        connection.sendall(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        connection.recv(1 << 20)
        connection.close()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=refuse, args=(server,), daemon=True).start()
        answer = post(f"http://127.0.0.1:{server.getsockname()[1]}/", b"a" * 200_000, HEADERS)

    assert answer.status == 413


@pytest.fixture
def certified(tmp_path: Path) -> ssl.SSLContext:
    """A receiver's end of TLS, with a certificate for receiver.example that it made itself."""
    names = ["-subj", "/CN=receiver.example", "-addext", "subjectAltName=DNS:receiver.example"]
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", f"{tmp_path}/key.pem"]
    subprocess.run(["openssl", "req", "-x509", *key, "-out", f"{tmp_path}/certificate.pem", *names], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{tmp_path}/certificate.pem", f"{tmp_path}/key.pem")
    return context


@pytest.fixture
def trusted(certified: ssl.SSLContext, monkeypatch, tmp_path: Path) -> Iterator[None]:
    """That certificate is one that the operator's system trusts."""
    monkeypatch.setenv("SSL_CERT_FILE", f"{tmp_path}/certificate.pem")
    outbound._trust.cache_clear()
    yield
    outbound._trust.cache_clear()


def test_the_certificate_is_that_of_the_name(inside, names, certified, trusted):
    names["receiver.example"] = [["127.0.0.1"]]

    with Receiver(context=certified) as receiver:
        assert post(f"https://receiver.example:{receiver.port}/", b"x", HEADERS).status == 204

    assert receiver.sent[0].headers["host"] == f"receiver.example:{receiver.port}"


def test_a_certificate_of_another_name_is_refused(inside, names, certified, trusted):
    names["other.example"] = [["127.0.0.1"]]

    with Receiver(context=certified) as receiver, pytest.raises(Unreachable, match="certificate"):
        post(f"https://other.example:{receiver.port}/", b"x", HEADERS)

    assert not receiver.sent


def test_a_certificate_that_nobody_trusts_is_refused(inside, names, certified):
    names["receiver.example"] = [["127.0.0.1"]]

    with Receiver(context=certified) as receiver, pytest.raises(Unreachable, match="certificate"):
        post(f"https://receiver.example:{receiver.port}/", b"x", HEADERS)

    assert not receiver.sent
