"""`/metrics`: in front of Django where requests are served, and a small server of its own beside a worker."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterable
from threading import Thread
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import structlog
from django.conf import settings
from prometheus_client.exposition import ThreadingWSGIServer

from config import metrics
from config.gate import App, Message, Receive, Send

log = structlog.get_logger("metrics")

PATH = "/metrics"
REFUSED = b"Metrics are told to METRICS_ALLOW's addresses, unless a proxy stands between, and to whoever has METRICS_TOKEN.\n"
PLAIN = "text/plain; charset=utf-8"

Start = Callable[[str, list[tuple[str, str]]], Any]


class MetricsDoor:
    """Answers for the metrics itself: whoever looks needs no host name, no session, and no line in the log."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["path"] != PATH:
            await self.app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        peer = (scope.get("client") or ("", 0))[0]
        # in a thread, for it asks the database
        status, body, media_type = await asyncio.to_thread(_answer, peer, headers)
        raw = [(b"content-type", media_type.encode()), (b"content-length", str(len(body)).encode()), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": status, "headers": raw})
        await send({"type": "http.response.body", "body": body})


def serve_metrics(number: int) -> None:
    """For worker process `number` of this machine, from 0, at METRICS_PORT and so many on. Without a free port it goes without."""
    if not settings.METRICS_PORT:
        return
    port = settings.METRICS_PORT + number
    try:
        kind = _SixthServer if ":" in settings.METRICS_HOST else ThreadingWSGIServer
        server = make_server(settings.METRICS_HOST, port, _application, kind, handler_class=_Silent)
    except (OSError, OverflowError) as fault:  # the second: there are no such ports
        log.error("no metrics are told", port=port, reason=repr(fault))
        return
    Thread(target=server.serve_forever, name="metrics", daemon=True).start()


def _answer(peer: str, headers: dict[str, str]) -> tuple[int, bytes, str]:
    if not metrics.may_read(peer, headers):
        return 403, REFUSED, PLAIN
    body, media_type = metrics.told(headers.get("accept", ""))
    return 200, body, media_type


def _application(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    if environ["PATH_INFO"] != PATH:
        start("404 Not Found", [("Content-Type", PLAIN)])
        return [b""]
    headers = {name[5:].replace("_", "-").lower(): value for name, value in environ.items() if name.startswith("HTTP_")}
    status, body, media_type = _answer(environ["REMOTE_ADDR"], headers)
    start("200 OK" if status == 200 else "403 Forbidden", [("Content-Type", media_type)])  # noqa: PLR2004  -- HTTP's own
    return [body]


class _SixthServer(ThreadingWSGIServer):
    """For addresses of IPv6."""

    address_family = socket.AF_INET6


class _Silent(WSGIRequestHandler):
    timeout = 10
    # seconds that a connection may be silent

    def log_message(self, *_: Any) -> None:
        """One who looks every few seconds is no news."""
