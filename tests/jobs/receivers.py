"""Whoever is told: HTTP servers on this machine that keep what they were sent and answer as they are told."""

from __future__ import annotations

import contextlib
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

Behaviour = Callable[[BaseHTTPRequestHandler], object]


@dataclass(frozen=True)
class Sent:
    path: str
    headers: dict[str, str]
    body: bytes


class Receiver:
    """Answers each request with the next of `answers`, a status or a behaviour of its own; the last one for ever."""

    def __init__(self, *answers: int | Behaviour, host: str = "127.0.0.1", context: ssl.SSLContext | None = None) -> None:
        self.answers = list(answers) or [204]
        self.sent: list[Sent] = []
        self.over = threading.Event()
        self._lock = threading.Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                receiver._handle(self)

            def log_message(self, *_: Any) -> None:
                pass

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: Any) -> None:
                pass

        self.server = Quiet((host, 0), Handler)
        if context is not None:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self.server.server_port
        self.url = f"http://{host}:{self.port}/hook"

    def __enter__(self) -> Self:
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.over.set()
        self.server.shutdown()
        self.server.server_close()

    def _handle(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        with self._lock:
            self.sent.append(Sent(handler.path, {name.lower(): value for name, value in handler.headers.items()}, body))
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, int):
            handler.send_response(answer)
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        handler.close_connection = True
        with contextlib.suppress(OSError):
            answer(handler)
