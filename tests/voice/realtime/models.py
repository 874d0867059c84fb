"""A language model under test: a real HTTP server that streams what it is told, and the responder that asks it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any

from pydantic import SecretStr

from tests.jobs.receivers import Behaviour, Receiver
from tests.waiting import TIMEOUT_S, wait_until
from voice.realtime.chat import Chat
from voice.realtime.responder import Delta, Message, Prompt, Words

HELLO = Prompt("be kind", (Message("user", "hello"),))


def chat_at(server: Receiver | int, *, keys: tuple[str, ...] = (), **fields: Any) -> Chat:
    port = server if isinstance(server, int) else server.port
    ordinary = {"url": f"http://127.0.0.1:{port}/v1", "model": "parrot", "first_within": TIMEOUT_S, "next_within": TIMEOUT_S}
    return Chat(**{**ordinary, "keys": [SecretStr(key) for key in keys], **fields})


async def answer(chat: Chat, prompt: Prompt = HELLO) -> list[Delta]:
    return [delta async for delta in chat.respond(prompt)]


def said(deltas: list[Delta]) -> str:
    return "".join(delta.text for delta in deltas if isinstance(delta, Words))


def asked_of(server: Receiver) -> list[dict[str, Any]]:
    return [json.loads(sent.body) for sent in server.sent]


async def until_asked(server: Receiver, *, times: int = 1) -> None:
    await asyncio.to_thread(wait_until, lambda: len(server.sent) >= times)


def chunk(finish: str | None = None, **delta: Any) -> dict[str, Any]:
    return {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def words(*texts: str, finish: str = "stop") -> list[Any]:
    """As most servers begin and end; without usage."""
    return [chunk(role="assistant", content=""), *[chunk(content=text) for text in texts], chunk(finish), "[DONE]"]


def usage(prompt: int, completion: int, cached: int = 0) -> dict[str, Any]:
    return {
        "choices": [],
        "usage": {"prompt_tokens": prompt, "completion_tokens": completion, "prompt_tokens_details": {"cached_tokens": cached}},
    }


def streamed(*events: Any, between: Callable[[], object] = lambda: None, whole: bool = True, framed: bool = True) -> Behaviour:
    """Server-sent events, each an object or what stands there instead; not whole, they end with the connection.

    Not framed, there is no telling from the outside whether they are whole.
    """

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        handler.send_header(*("Transfer-Encoding", "chunked") if framed else ("Connection", "close"))
        handler.end_headers()
        for number, event in enumerate(events):
            if number:
                between()
            data = f"data: {event if isinstance(event, str) else json.dumps(event)}\n\n".encode()
            handler.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n" if framed else data)
        if framed and whole:
            handler.wfile.write(b"0\r\n\r\n")

    return answer
