"""Requests to addresses that tenants name. They reach the public internet and nothing else.

A name is resolved here, every address that it has is judged, and the connection is made to one of those that were judged: nobody
resolves the name a second time, so what it says later changes nothing. TLS still asks for a certificate of the name.
"""

from __future__ import annotations

import functools
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from queue import Empty, SimpleQueue
from typing import Any

import certifi
import httpcore
import httpx
from django.conf import settings

from config.errors import Refusal

DEADLINE = 10.0
# seconds that a whole exchange may take, from the name's look-up to the last byte read
KEPT_OF_ANSWER = 2000
# bytes, for whoever looks why it was refused
LARGEST_ANSWER = 1 << 16
# bytes
MOST_TRIED = 4
# addresses of a name, one after the other
LONGEST_URL = 2000
HIGHEST_PORT = 65_535
HOST = re.compile(r"[a-z0-9_.-]{1,253}", re.ASCII)
GLOBAL_UNICAST = ip_network("2000::/3")
NAT64 = ip_network("64:ff9b::/96")
# how a host without IPv4 sees one that has nothing else
INSIDE = tuple(ip_network(network) for network in ("192.0.0.0/24", "192.88.99.0/24", "168.63.129.16/32"))
# what `is_global` lets through (by Python's version) and clouds use within: Oracle's metadata, relays, Azure's host
FAULTS = (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException)

Address = IPv4Address | IPv6Address


class ForbiddenTarget(Refusal):
    code = "forbidden_target"
    message = "Nothing is sent to this address."


class Unreachable(Refusal):
    """No answer came of it."""

    status = 502
    code = "unreachable"
    message = "The connection failed."


class TooLate(Unreachable):
    message = "There was no answer in time."


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes = b""
    # no more than the beginning of it


@dataclass(slots=True)
class Budget:
    """What is left of an exchange. Every step draws from the same one, so that a receiver that drips gains nothing."""

    ends: float
    # by the monotonic clock
    bytes: int

    def seconds(self) -> float:
        """TooLate when there are none."""
        left = self.ends - time.monotonic()
        if left <= 0:
            raise TooLate
        return left


def post(url: str, body: bytes, headers: dict[str, str]) -> Answer:
    """POST to a public address over TLS. A redirect is an answer like any other: it is not followed.

    ForbiddenTarget when the address is none that anything is sent to, Unreachable when no answer comes of it. An answer whose rest
    is late, broken or too long is one: its status is known.
    """
    goal = target(url)
    budget = Budget(ends=time.monotonic() + DEADLINE, bytes=LARGEST_ANSWER)
    sent = [("Host", goal.netloc.decode()), ("Content-Length", str(len(body))), ("Connection", "close"), *headers.items()]
    address = httpcore.URL(scheme=goal.raw_scheme, host=goal.raw_host, port=goal.port, target=goal.raw_path)
    # of httpx only how it reads an address: its client could not be given a network of ours
    with httpcore.ConnectionPool(ssl_context=_trust(), network_backend=_Checked(budget)) as pool:
        try:
            with pool.stream("POST", address, headers=sent, content=body) as response:
                said = bytearray()
                with suppress(Unreachable, *FAULTS):
                    for part in response.iter_stream():
                        said += part[: KEPT_OF_ANSWER - len(said)]
                return Answer(status=response.status, body=bytes(said))
        except FAULTS:
            raise Unreachable from None


def target(url: str) -> httpx.URL:
    """An address as it is understood; ForbiddenTarget, saying why, when nothing would be sent there whatever it resolves to."""
    schemes = ("https", "http") if settings.WEBHOOK_PRIVATE else ("https",)
    try:
        goal = httpx.URL(url).copy_with(fragment=None)
    except (httpx.InvalidURL, ValueError):
        raise ForbiddenTarget("This is not a URL.") from None
    host = goal.raw_host.decode()
    if goal.scheme not in schemes:
        raise ForbiddenTarget(f"The URL must begin with {schemes[0]}://.")
    if goal.userinfo:
        raise ForbiddenTarget("The URL must hold no user name and no password.")
    if len(str(goal)) > LONGEST_URL:
        raise ForbiddenTarget(f"The URL must have no more than {LONGEST_URL} characters.")
    literal = _literal(host)
    if literal is None and not HOST.fullmatch(host):
        raise ForbiddenTarget("The URL must name a host.")
    if goal.port is not None and not 0 < goal.port <= HIGHEST_PORT:
        raise ForbiddenTarget("The URL names a port that is none.")
    if literal is not None:
        _judge([literal])
    return goal


def is_public(address: Address) -> bool:
    """Whether it is an address of one host in the public internet. One that stands for an IPv4 address is judged as that."""
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in NAT64:
            inner = IPv4Address(address.packed[-4:])
        if inner is not None:
            return is_public(inner)
        if address not in GLOBAL_UNICAST:
            return False
    return address.is_global and not address.is_multicast and not any(address in network for network in INSIDE)


class _Checked(httpcore.NetworkBackend):
    """Connections to addresses that were judged."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget

    def connect_tcp(self, host: str, port: int, *_: Any, **__: Any) -> httpcore.NetworkStream:
        found = _resolved(host, port, self._budget)
        _judge(ip_address(where[0].partition("%")[0]) for _, where in found)
        tried = found[:MOST_TRIED]
        for number, (family, where) in enumerate(tried):
            connection = socket.socket(family, socket.SOCK_STREAM)
            try:
                connection.settimeout(self._budget.seconds() / (len(tried) - number))
                connection.connect(where)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            except OSError:
                connection.close()
            except BaseException:
                connection.close()
                raise
            else:
                return _Stream(connection, self._budget)
        raise Unreachable


class _Stream(httpcore.NetworkStream):
    """A connection that lives on the budget of its exchange."""

    def __init__(self, connection: socket.socket, budget: Budget) -> None:
        self._connection = connection
        self._budget = budget

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if not self._budget.bytes:
            raise Unreachable("The answer is too long.")
        self._connection.settimeout(self._budget.seconds())
        try:
            data = self._connection.recv(min(max_bytes, self._budget.bytes))
        except TimeoutError:
            raise TooLate from None
        except OSError as error:
            raise httpcore.ReadError from error
        self._budget.bytes -= len(data)
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        rest = memoryview(buffer)
        while rest:
            self._connection.settimeout(self._budget.seconds())
            try:
                rest = rest[self._connection.send(rest) :]
            except TimeoutError:
                raise TooLate from None
            except OSError as error:
                # after this one the answer is still read: a receiver may refuse before it has read all
                raise httpcore.WriteError from error

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        self._connection.settimeout(self._budget.seconds())
        try:
            return _Stream(ssl_context.wrap_socket(self._connection, server_hostname=server_hostname), self._budget)
        except TimeoutError:
            raise TooLate from None
        except ssl.SSLCertVerificationError:
            raise Unreachable("The certificate is not valid for this address.") from None
        except (OSError, ValueError):
            raise Unreachable("No TLS connection could be made.") from None

    def close(self) -> None:
        self._connection.close()


def _judge(addresses: Iterable[Address]) -> None:
    """One that is not public is enough: which of them a client takes is chance."""
    if not settings.WEBHOOK_PRIVATE and not all(is_public(address) for address in addresses):
        raise ForbiddenTarget("The address is not a public one.")


def _literal(host: str) -> Address | None:
    """The address that a host is written as, also in the ways that only a resolver reads as one: `2130706433`, `0177.1`."""
    with suppress(ValueError):
        return ip_address(host)
    with suppress(OSError):
        return IPv4Address(socket.inet_aton(host))
    return None


def _resolved(host: str, port: int, budget: Budget) -> list[tuple[int, tuple[Any, ...]]]:
    """The addresses of a name, each with its family. In a thread, for a look-up has no time limit of its own."""
    answers: SimpleQueue[list[tuple[int, tuple[Any, ...]]]] = SimpleQueue()

    def look_up() -> None:
        with suppress(OSError, UnicodeError):
            answers.put([(family, where) for family, *_, where in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)])
            return
        answers.put([])

    threading.Thread(target=look_up, name="look-up", daemon=True).start()
    try:
        found = answers.get(timeout=budget.seconds())
    except Empty:
        raise TooLate from None
    if not found:
        raise Unreachable("The name has no address.")
    return found


@functools.cache
def _trust() -> ssl.SSLContext:
    """Mozilla's authorities, and those that the operator's system trusts."""
    context = ssl.create_default_context(cafile=certifi.where())
    context.load_default_certs()
    return context
