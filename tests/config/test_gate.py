from __future__ import annotations

import asyncio
from typing import Any

import pytest

from config.gate import BodyGate, SocketGate


async def answer(headers: list[tuple[bytes, bytes]], *pieces: bytes, path: str = "/", unread: int = 0) -> tuple[int, list[bytes]]:
    """The status that the gate, in front of an application that reads everything, answers; and what the application read. Of the
    pieces so many are left unread at the end."""
    read: list[bytes] = []
    sent: list[dict[str, Any]] = []
    waiting = [{"type": "http.request", "body": piece, "more_body": number < len(pieces)} for number, piece in enumerate(pieces, 1)]

    async def application(_scope: Any, receive: Any, send: Any) -> None:
        for _ in pieces:
            read.append((await receive())["body"])
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def receive() -> Any:
        if not waiting:
            await asyncio.Event().wait()
        return waiting.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    await BodyGate(application)({"type": "http", "path": path, "headers": headers}, receive, send)
    assert len(waiting) == unread
    return sent[0]["status"], read


async def test_a_body_within_the_limit_passes(settings):
    settings.MAX_BODY_BYTES = 10

    assert await answer([(b"content-length", b"10")], b"01234", b"56789") == (200, [b"01234", b"56789"])


async def test_a_declared_length_beyond_the_limit_is_refused_and_the_application_sees_nothing_of_it(settings):
    settings.MAX_BODY_BYTES = 10

    assert await answer([(b"content-length", b"11")], b"x" * 5, b"x" * 6) == (413, [])


async def test_who_waits_for_leave_to_send_too_much_is_refused_before_it_is_sent(settings):
    settings.MAX_BODY_BYTES = 10

    assert await answer([(b"content-length", b"11"), (b"expect", b"100-continue")], b"x" * 11, unread=1) == (413, [])


async def test_what_is_refused_is_not_read_for_ever(settings, monkeypatch):
    settings.MAX_BODY_BYTES = 10
    monkeypatch.setattr("config.gate.LINGER_BYTES", 20)

    assert (await answer([], *[b"x" * 10] * 5, unread=1))[0] == 413

    monkeypatch.setattr("config.gate.LINGER_SECONDS", 0.1)
    assert (await answer([(b"content-length", b"11")]))[0] == 413


async def test_a_body_without_a_length_is_counted(settings):
    settings.MAX_BODY_BYTES = 10

    assert await answer([], b"01234", b"567890", b"1234") == (413, [b"01234"])
    assert await answer([], b"01234", b"567890") == (413, [b"01234"])


@pytest.mark.parametrize("length", [b"-1", b"ten", b"1 0", b"", "²".encode()])
async def test_a_length_that_is_no_number_is_refused(length):
    assert (await answer([(b"content-length", length)], b"", unread=1))[0] == 400


async def test_a_length_of_many_digits_is_refused_without_being_read():
    assert (await answer([(b"content-length", b"9" * 5000)], b""))[0] == 413


UPLOADS = [
    "/v1/audio/voices",
    "/v1/audio/voices/voice_1/samples",
    "/v1/audio/voice_consents",
    "/v1/audio/conversions",
    "/v1/audio/transcriptions",
]


@pytest.mark.parametrize("path", UPLOADS)
async def test_a_file_of_audio_may_be_as_large_as_an_upload_and_its_form_a_little_more(settings, path):
    settings.MAX_BODY_BYTES, settings.MAX_UPLOAD_BYTES = 10, 100_000

    assert (await answer([(b"content-length", b"165536")], path=path))[0] == 200
    assert (await answer([(b"content-length", b"165537")], b"", path=path))[0] == 413
    assert (await answer([], b"x" * 100_000, b"x" * 65_537, path=path))[0] == 413


@pytest.mark.parametrize("path", ["/v1/audio/speech", "/v1/audio/voices_", "/x/v1/audio/voices"])
async def test_elsewhere_a_body_is_no_larger_for_it(settings, path):
    settings.MAX_BODY_BYTES = 10

    assert (await answer([(b"content-length", b"11")], b"", path=path))[0] == 413


async def test_a_process_holds_so_many_sockets_and_tells_the_next_to_come_again(settings):
    settings.SOCKETS_PER_PROCESS = 2
    over = asyncio.Event()

    async def application(_scope: Any, _receive: Any, _send: Any) -> None:
        await over.wait()

    gate = SocketGate(application, ["/v1/events"])

    async def connect() -> list[dict[str, Any]]:
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "websocket.connect"}

        async def send(message: Any) -> None:
            sent.append(message)

        await gate({"type": "websocket", "path": "/", "headers": [], "subprotocols": ["bearer.x", "voice"]}, receive, send)
        return sent

    held = [asyncio.create_task(connect()) for _ in range(2)]
    await asyncio.sleep(0)

    assert await connect() == [
        {"type": "websocket.accept", "subprotocol": "voice"},
        {"type": "websocket.close", "code": 1013},
    ]
    held[0].cancel()
    await asyncio.wait(held[:1])
    held.append(asyncio.create_task(connect()))
    await asyncio.sleep(0)
    over.set()
    assert [await task for task in held[1:]] == [[], []]
