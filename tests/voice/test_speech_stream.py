"""`WS /v1/audio/speech/stream`, with workers beside it."""

from __future__ import annotations

import asyncio
import base64
import io
import itertools
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import av
import numpy as np
import pytest
from channels.db import database_sync_to_async

from accounts.models import ApiKey, Plan, Scope, Usage, User
from accounts.tokens import issue_key
from jobs.models import OPEN, Item, Job, State
from jobs.sockets import sockets
from tests.waiting import TIMEOUT_S
from voice.speech_stream.sockets import speech_socket

RATE = 24_000
SLOW = 1050
# the seed by which the tone engine takes 50 ms a byte
HANGS = 3
# half-way
TEXT = "Red, green; yellow. Then: it costs $5! And nobody knew why. Dr. Li said so."

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.shapes("embedded", "deployed")]


class Client:
    """What a client says and is told, without a network in between."""

    def __init__(self) -> None:
        self.said: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._told: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.events: list[dict[str, Any]] = []
        self.code: int | None = None
        self.said.put_nowait({"type": "websocket.connect"})

    async def told(self, message: Any) -> None:
        await self._told.put(message)

    def say(self, kind: str, **fields: Any) -> None:
        self.raw(json.dumps({"type": kind, **fields}))

    def raw(self, text: str) -> None:
        self.said.put_nowait({"type": "websocket.receive", "text": text})

    async def hear(self) -> dict[str, Any]:
        """The next event; the closing of the socket is one too."""
        async with asyncio.timeout(TIMEOUT_S):
            message = await self._told.get()
        if message["type"] == "websocket.close":
            self.code = message["code"]
            event: dict[str, Any] = {"type": "closed", "code": self.code}
        else:
            event = json.loads(message["text"])
        self.events.append(event)
        return event

    async def until(self, kind: str) -> dict[str, Any]:
        while (event := await self.hear())["type"] != kind:
            assert event["type"] != "closed", self.events[-2:]
        return event

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["type"] == kind]

    @property
    def sound(self) -> bytes:
        return b"".join(base64.b64decode(event["audio"]) for event in self.of("speech.audio.delta"))

    @property
    def pcm(self) -> Any:
        return np.frombuffer(self.sound, "<i2").astype(int)


def key_of(user: User, *scopes: Scope) -> str:
    return issue_key(owner=user, name="key", scopes=list(scopes or Scope))[1]


@asynccontextmanager
async def connected(user: User, *, key: str | None = None) -> AsyncIterator[Client]:
    """A client of his; when he leaves, nothing of the socket is left."""
    token = key or await database_sync_to_async(key_of)(user)
    client = Client()
    scope = {"type": "websocket", "headers": [(b"authorization", f"Bearer {token}".encode())], "subprotocols": []}
    before = asyncio.all_tasks()
    serving = asyncio.create_task(speech_socket(scope, client.said.get, client.told))
    try:
        async with asyncio.timeout(TIMEOUT_S):
            first = await client._told.get()
        client.code = first.get("code")
        yield client
    finally:
        client.said.put_nowait({"type": "websocket.disconnect", "code": 1001})
        async with asyncio.timeout(TIMEOUT_S):
            await serving
            while asyncio.all_tasks() - before:  # noqa: ASYNC110
                await asyncio.sleep(0.01)


@asynccontextmanager
async def speaking(user: User, *, key: str | None = None, **start: Any) -> AsyncIterator[Client]:
    async with connected(user, key=key) as client:
        client.say("session.start", **{"voice": "slt", **start})
        await client.until("session.started")
        yield client


async def soon(condition: Callable[[], Any]) -> Any:
    """What comes of a question to the database, as soon as that is something."""
    async with asyncio.timeout(TIMEOUT_S):
        while not (found := await database_sync_to_async(condition)()):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    return found


@pytest.mark.usefixtures("worker")
async def test_words_that_come_three_characters_at_a_time_are_heard_before_they_end(alice):
    async with speaking(alice) as client:
        half = len(TEXT) // 2
        for start in range(0, half, 3):
            client.say("text.append", text=TEXT[start : min(start + 3, half)])
        await client.until("speech.audio.delta")
        for start in range(half, len(TEXT), 3):
            client.say("text.append", text=TEXT[start : start + 3])
        client.say("session.end")
        ended = await client.until("session.ended")
        await client.hear()

    pieces = client.of("speech.started")
    assert client.code == 1000
    assert "".join(piece["text"] for piece in pieces) == TEXT
    assert [piece["piece"] for piece in pieces] == [done["piece"] for done in client.of("speech.done")] == list(range(len(pieces)))
    assert len(pieces) >= 3
    order = [event["piece"] for event in client.events if "piece" in event]
    assert order == sorted(order)
    assert ended["seconds"] == pytest.approx(len(client.pcm) / RATE, abs=0.001)
    charged = await database_sync_to_async(lambda: sum(Usage.objects.filter(owner=alice).values_list("characters", flat=True)))()
    assert ended["characters"] == charged == len("".join(piece["text"].strip() for piece in pieces))
    assert not await database_sync_to_async(Job.objects.filter(listed=True).exists)()


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("voice", ["slt", "espeak-en-us"])
async def test_words_are_heard_when_they_are_said_to_be_from_the_first_piece_to_the_last(alice, voice):
    async with speaking(alice, voice=voice, timestamps=["word", "sentence"]) as client:
        client.say("text.append", text=TEXT)
        client.say("session.end")
        await client.until("session.ended")

    told = client.of("speech.timestamps")
    words = [word for event in told for word in event["words"]]
    assert [event["piece"] for event in told] == [event["piece"] for event in client.of("speech.started")]
    assert " ".join(word["word"] for word in words) == "Red green yellow Then it costs $5 And nobody knew why Dr. Li said so"
    assert all(one["start"] < one["end"] <= other["start"] for one, other in itertools.pairwise(words))
    assert words[-1]["end"] <= len(client.pcm) / RATE
    assert " ".join(one["text"] for event in told for one in event["sentences"]) == TEXT
    levels = [np.abs(client.pcm[round(word["start"] * RATE) : round(word["end"] * RATE)]).mean() for word in words]
    between = [client.pcm[round(a["end"] * RATE) : round(b["start"] * RATE)] for a, b in itertools.pairwise(words)]
    pauses = [np.abs(pcm[len(pcm) // 3 : 2 * len(pcm) // 3]).mean() for pcm in between if len(pcm) > 0.2 * RATE]
    assert len(pauses) >= 3
    assert min(levels) > 8 * max(pauses)


@pytest.mark.usefixtures("worker")
async def test_a_flush_speaks_what_is_held_and_tells_when_that_is_sent(alice):
    async with speaking(alice, voice="tone") as client:
        client.say("text.append", text="No end in sight")
        client.say("text.flush")
        await client.until("speech.flushed")

    assert [event["text"] for event in client.of("speech.started")] == ["No end in sight"]
    assert len(client.pcm) == 15 * 960


@pytest.mark.usefixtures("worker")
async def test_a_cancel_stops_what_is_being_spoken_and_leaves_nothing_running(alice):
    async with speaking(alice, voice="tone", seed=SLOW) as client:
        client.say("text.append", text="What is said here takes a long while. And so does what comes next. And this. ")
        client.say("text.append", text="Never said")
        await client.until("speech.audio.delta")

        client.say("speech.cancel")
        cancelled = await client.until("speech.cancelled")
        heard = len(client.events)
        await soon(lambda: not Item.objects.filter(state__in=OPEN).exists())
        client.say("text.append", text="Hi.")
        client.say("text.flush")
        await client.until("speech.flushed")

    cut = [event for event in client.events[:heard] if event["type"] == "speech.audio.delta"]
    sent = sum(len(base64.b64decode(event["audio"])) for event in cut) / 2 / RATE
    assert cancelled == {"type": "speech.cancelled", "piece": 0, "seconds": pytest.approx(sent, abs=0.001)}
    assert client.events[heard]["text"] == "Hi."
    states = await database_sync_to_async(lambda: list(Item.objects.order_by("pk").values_list("state", flat=True)))()
    assert states == [State.CANCELLED, State.CANCELLED, State.COMPLETED]


@pytest.mark.usefixtures("worker")
async def test_a_client_that_leaves_stops_what_is_being_made_for_it(alice):
    async with speaking(alice, voice="tone", seed=HANGS) as client:
        client.say("text.append", text="What is said here takes a long while. And so does what comes next. And this. ")
        await client.until("speech.audio.delta")

    await soon(lambda: not Item.objects.filter(state__in=OPEN).exists())
    assert sockets().add(str(alice.pk), "another", most=1)
    sockets().remove(str(alice.pk), "another")


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("form", ["mp3", "opus", "aac", "flac", "wav"])
async def test_every_format_is_one_stream_however_many_pieces_it_is_made_of(alice, form):
    async with speaking(alice, format=form) as client:
        client.say("text.append", text="One here. Two here. Three here.")
        client.say("session.end")
        ended = await client.until("session.ended")

    assert len(client.of("speech.done")) == 3
    with av.open(io.BytesIO(client.sound), "r") as file:
        samples = sum((frame.samples / frame.sample_rate for frame in file.decode(audio=0)), 0.0)
    assert samples == pytest.approx(ended["seconds"], abs=0.15)


@pytest.mark.usefixtures("worker")
async def test_where_the_plan_allows_one_job_at_a_time_pieces_wait_for_each_other(alice):
    def limit() -> None:
        alice.plan = Plan.objects.create(name="small", concurrent_jobs=1)
        alice.save()

    await database_sync_to_async(limit)()
    async with speaking(alice, voice="tone", seed=SLOW) as client:
        client.say("text.append", text="One here. Two here. Three here.")
        client.say("session.end")
        await client.until("session.ended")

    assert len(client.of("speech.done")) == 3
    assert client.of("error") == []


@pytest.mark.usefixtures("worker")
async def test_a_spent_quota_is_told_after_what_it_paid_for_and_ends_the_socket(alice):
    def limit() -> None:
        alice.plan = Plan.objects.create(name="small", characters=25)
        alice.save()

    await database_sync_to_async(limit)()
    async with speaking(alice, voice="tone") as client:
        client.say("text.append", text="Ten and more here. Ten and more there. And then some more. ")
        error = await client.until("error")
        await client.hear()

    assert (error["error"]["code"], error["error"]["type"]) == ("insufficient_quota", "insufficient_quota")
    assert [event["piece"] for event in client.of("speech.done")] == [0]
    assert len(client.pcm) == 19 * 960
    assert client.code == 1008


@pytest.mark.usefixtures("worker")
async def test_a_piece_that_an_engine_fails_at_is_an_error_and_the_socket_stays(alice):
    async with speaking(alice, voice="tone", seed=1) as client:
        client.say("text.append", text="Hi.")
        client.say("text.flush")
        error = await client.until("error")
        await client.until("speech.flushed")

    assert error["piece"] == 0
    assert client.of("speech.started") == []


STARTS: list[tuple[dict[str, Any], str, str]] = [
    ({}, "missing_required_parameter", "voice"),
    ({"voice": 1}, "invalid_type", "voice"),
    ({"voice": "nobody"}, "voice_not_found", "voice"),
    ({"voice": "slt", "model": "none"}, "model_not_found", "model"),
    ({"voice": "slt", "model": "espeak"}, "voice_model_mismatch", "voice"),
    ({"voice": "slt", "language": "xx"}, "unknown_language", "language"),
    ({"voice": "slt", "speed": 0}, "out_of_range", "speed"),
    ({"voice": "tone", "speed": 2}, "out_of_range", "speed"),
    ({"voice": "slt", "speed": "1"}, "invalid_type", "speed"),
    ({"voice": "slt", "format": "audio/pcmu"}, "invalid_value", "format"),
    ({"voice": "slt", "lexicon": "lex_none"}, "lexicon_not_found", "lexicon"),
    ({"voice": "slt", "normalize": 1}, "invalid_type", "normalize"),
    ({"voice": "slt", "timestamps": ["letter"]}, "invalid_value", "timestamps"),
    ({"voice": "slt", "api_key": "x"}, "unknown_field", "api_key"),
]
MESSAGES = [
    ("", "parse_error", None),
    ("{", "parse_error", None),
    ("[" * 60_000, "parse_error", None),
    ('{"type": "text.append", "text": NaN}', "parse_error", None),
    ('{"type": "text.append", "text": "\\ud800"}', "parse_error", None),
    ("[]", "invalid_request", None),
    ("{}", "invalid_value", "type"),
    ('{"type": ["text.append"]}', "invalid_value", "type"),
    ('{"type": "text.append"}', "missing_required_parameter", "text"),
    ('{"type": "text.append", "text": 1}', "invalid_type", "text"),
    ('{"type": "text.append", "text": "\\u0000"}', "invalid_character", "text"),
    ('{"type": "text.append", "text": "x", "voice": "slt"}', "unknown_field", "voice"),
    ('{"type": "session.start", "voice": "slt"}', "invalid_state", "type"),
]


@pytest.mark.usefixtures("catalogue")
async def test_what_is_not_understood_is_answered_and_the_socket_stays(alice):
    async with connected(alice) as client:
        client.say("text.append", text="Hi.")
        early = await client.hear()
        starts = []
        for fields, _, _ in STARTS:
            client.say("session.start", **fields)
            starts.append((await client.hear())["error"])
        client.say("session.start", voice="slt")
        await client.until("session.started")
        messages = []
        for text, _, _ in MESSAGES:
            client.raw(text)
            messages.append((await client.hear())["error"])

    assert early["error"]["code"] == "invalid_state"
    assert [(error["code"], error["param"]) for error in starts] == [(code, param) for _, code, param in STARTS]
    assert [(error["code"], error["param"]) for error in messages] == [(code, param) for _, code, param in MESSAGES]
    assert not await database_sync_to_async(Item.objects.exists)()


async def test_whoever_may_not_speak_does_not_come_in(alice):
    key = await database_sync_to_async(key_of)(alice, Scope.JOBS)

    async with connected(alice, key=key) as client:
        pass

    assert client.code == 1008


@pytest.mark.usefixtures("catalogue")
async def test_more_text_than_is_held_is_refused_and_a_flood_ends_the_socket(alice):
    async with speaking(alice) as client:
        for _ in range(3):
            client.say("text.append", text="One here. " * 3000)
        refused = await client.until("error")
        for _ in range(2000):
            client.say("text.flush")
        closed = [await client.hear()]
        while closed[-1]["type"] != "closed":
            closed.append(await client.hear())

    assert (refused["error"]["code"], refused["error"]["param"]) == ("text_too_long", "text")
    assert client.code == 1008


@pytest.mark.parametrize(("kind", "sent", "code"), [("bytes", b"{}", 1003), ("text", "x" * 65_537, 1009), ("text", "é" * 32_769, 1009)])
async def test_what_is_no_message_ends_the_socket(alice, kind: str, sent: str | bytes, code: int):
    async with connected(alice) as client:
        client.said.put_nowait({"type": "websocket.receive", kind: sent})
        await client.hear()

    assert client.code == code


async def test_whoever_does_not_begin_is_let_go(alice, monkeypatch):
    monkeypatch.setattr("voice.speech_stream.stream.START_PATIENCE", 0.2)

    async with connected(alice) as client:
        await client.hear()

    assert client.code == 4408


@pytest.mark.usefixtures("catalogue")
async def test_whoever_may_call_no_more_is_cut_off(alice, monkeypatch):
    monkeypatch.setattr("jobs.rounds.CHECK_EVERY", 0.1)
    async with speaking(alice) as client:
        await database_sync_to_async(lambda: [key.revoke() for key in ApiKey.objects.filter(owner=alice)])()
        await client.until("closed")

    assert client.code == 4401
