"""What this process counts at its door, and how it tells all that is counted to whoever may read it.

Every process has a port of its own and tells its own numbers: nothing is shared between processes, and Prometheus adds them up.
"""

from __future__ import annotations

import hmac
import platform
from collections.abc import Iterable, Iterator
from ipaddress import ip_address
from typing import Any

from django.conf import settings
from django.db import connection
from django.http import HttpRequest
from prometheus_client import REGISTRY, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from jobs.metrics import LATENCIES
from jobs.pulse import Pulse
from voice.resources import Resources

REQUESTS = Counter("voice_http_requests_total", "Requests, by route and not by path.", ["method", "route", "status"])
REQUEST_SECONDS = Histogram(
    "voice_http_request_seconds", "From a request to the start of its answer.", ["method", "route"], buckets=LATENCIES
)
SOCKETS = Gauge("voice_sockets_open", "WebSockets that are open.", ["path"])
SOCKETS_LIMIT = Gauge("voice_sockets_limit", "WebSockets that this process holds at most.")
SOCKETS_ENDED = Counter(
    "voice_sockets_ended_total", "WebSockets that ended, by the code that was sent; left: by the client.", ["path", "code"]
)
BUILD = Gauge("voice_build_info", "1, with what is running.", ["version", "python", "role"])

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER = "other"
NO_ROUTE = "none"
ADMIN = "admin/"
LEFT = "left"
# in place of a code
CLIENT_GONE = 499
# nginx's status for a client that left before there was an answer
FORWARDED = frozenset({"x-forwarded-for", "forwarded", "x-real-ip", "via"})
# headers that only come through a proxy
WEB, WORKER, BOTH = "web", "worker", "web+worker"


def request_over(request: HttpRequest, status: int, seconds: float) -> str:
    """Count it, and say what its route is called."""
    found = getattr(request, "resolver_match", None)
    return request_counted(request.method or "", NO_ROUTE if found is None else found.route, status, seconds)


def request_counted(method: str, route: str, status: int, seconds: float) -> str:
    method = method if method in METHODS else OTHER
    # the admin has two hundred routes, and none that anybody would look at alone
    route = ADMIN if route.startswith(ADMIN) else route or "/"
    REQUESTS.labels(method, route, str(status)).inc()
    REQUEST_SECONDS.labels(method, route).observe(seconds)
    return route


def may_read(peer: str, headers: dict[str, str]) -> bool:
    """Whether the metrics may be told: by a bearer from anywhere, else by address, unless a proxy stands between.

    `headers` have their names in lower case. What a proxy says of an address is not believed here: it is the proxy's job to let nobody
    in, and forgetting that must not open anything.
    """
    kind, _, token = headers.get("authorization", "").partition(" ")
    if settings.METRICS_TOKEN and kind.lower() == "bearer":
        return hmac.compare_digest(token.strip().encode(), settings.METRICS_TOKEN.encode())
    if FORWARDED & headers.keys():
        return False
    try:
        address = ip_address(peer)
    except ValueError:
        return False
    address = getattr(address, "ipv4_mapped", None) or address
    return any(address in network for network in settings.METRICS_READERS)


def told(accept: str) -> tuple[bytes, str]:
    """All that is counted, and its media type."""
    encode, media_type = choose_encoder(accept)
    return encode(REGISTRY), media_type


def begin(role: str) -> None:
    """What a process tells beside what it counts. Once, when it starts."""
    disable_created_metrics()  # type: ignore[no-untyped-call]  # a line for each series that says when it began: Prometheus has no use for them
    BUILD.labels(settings.VERSION, platform.python_version(), role).set(1)
    REGISTRY.register(Resources())
    REGISTRY.register(Pool())
    if role != WORKER:
        REGISTRY.register(Pulse())


class Pool(Collector):
    """The process's connections to PostgreSQL; SQLite has no pool."""

    def describe(self) -> Iterable[Any]:
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        pool = getattr(connection, "pool", None)
        if pool is None:
            return
        stats = pool.get_stats()
        family = GaugeMetricFamily("voice_database_pool_connections", "Connections of the pool, by what they do.", labels=["state"])
        size, idle = stats.get("pool_size", 0), stats.get("pool_available", 0)
        family.add_metric(["idle"], idle)
        family.add_metric(["used"], max(0, size - idle))
        family.add_metric(["free"], max(0, stats.get("pool_max", 0) - size))
        yield family
        yield GaugeMetricFamily(
            "voice_database_pool_waiting", "Threads that wait for a connection.", value=stats.get("requests_waiting", 0)
        )
