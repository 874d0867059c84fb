"""An upstream under test: a real HTTP server that answers as it is told, and the engine that asks it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any

import numpy as np

from config.upstreams import Upstream
from tests.jobs.receivers import Behaviour, Receiver
from tests.waiting import TIMEOUT_S
from voice.engines.base import Pcm, Utterance
from voice.engines.remote import Remote
from voice.engines.tone import Tone

PCM = "audio/pcm"


def upstream_at(server: Receiver | int, **fields: Any) -> Upstream:
    port = server if isinstance(server, int) else server.port
    ordinary = {
        "name": "far",
        "url": f"http://127.0.0.1:{port}/v1",
        "model": "tone",
        "voices": [{"name": "anna", "upstream_voice": "tone", "languages": ["mul"]}],
        "timeout": TIMEOUT_S,
    }
    return Upstream.model_validate({**ordinary, **fields})


def engine_for(server: Receiver | int, **fields: Any) -> Remote:
    return Remote([upstream_at(server, **fields)])


def utterance(text: str = "hello", **fields: Any) -> Utterance:
    return Utterance(text, "far/anna", "mul", **fields)


def heard(engine: Remote, text: str = "hello", **fields: Any) -> Pcm:
    blocks = list(engine.synthesize(utterance(text, **fields)))
    return np.concatenate(blocks) if blocks else np.empty(0, np.int16)


def tones(text: str) -> bytes:
    return b"".join(block.astype("<i2").tobytes() for block in Tone().synthesize(Utterance(text, "tone", "mul")))


def body(data: bytes, *, status: int = 200, kind: str | None = PCM, **headers: str) -> Behaviour:
    """A whole answer with its length."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        _begin(handler, status, kind, {**headers, "Content-Length": str(len(data))})
        handler.wfile.write(data)

    return answer


def error(status: int, *, message: str = "no", code: str | None = None, param: str | None = None, **headers: str) -> Behaviour:
    """OpenAI's error body; underscores in the names of headers are strokes."""
    told = {"error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}}
    return body(json.dumps(told).encode(), status=status, kind="application/json", **headers)


def spoken(handler: BaseHTTPRequestHandler) -> None:
    """Whatever was asked for is not looked at: it says hello."""
    body(tones("hello"))(handler)


def pieces(*parts: bytes, between: Callable[[], object] = lambda: None, whole: bool = True) -> Behaviour:
    """An answer in chunks; not whole, it ends with the connection."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        _begin(handler, 200, PCM, {"Transfer-Encoding": "chunked"})
        for number, part in enumerate(parts):
            if number:
                between()
            _chunk(handler, part)
        if whole:
            handler.wfile.write(b"0\r\n\r\n")

    return answer


def endless(left: threading.Event, *, pause: float = 0.0) -> Behaviour:
    """Silence for ever, until whoever asked is gone."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        _begin(handler, 200, PCM, {"Transfer-Encoding": "chunked"})
        try:
            while not left.wait(pause):
                _chunk(handler, bytes(4800))
        except OSError:
            left.set()

    return answer


def silent(left: threading.Event) -> Behaviour:
    """Nothing at all, until whoever asked is gone."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        if not handler.connection.recv(1):
            left.set()

    return answer


def _begin(handler: BaseHTTPRequestHandler, status: int, kind: str | None, headers: dict[str, str]) -> None:
    handler.send_response(status)
    if kind is not None:
        handler.send_header("Content-Type", kind)
    handler.send_header("Connection", "close")
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()


def _chunk(handler: BaseHTTPRequestHandler, data: bytes) -> None:
    handler.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
