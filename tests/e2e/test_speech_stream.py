"""Streamed text in, against the running system."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosedOK, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.e2e.system import System
from tests.waiting import TIMEOUT_S, wait_until

pytestmark = pytest.mark.shapes("deployed")

TEXT = "Well, this is how a model writes: a few letters at a time. Nobody waits for its last word. Not one of us."


def opened(system: System, token: str) -> ClientConnection:
    """As a browser does it."""
    offered = [Subprotocol("voice"), Subprotocol(f"bearer.{token}")]
    connection: ClientConnection = connect(f"ws://127.0.0.1:{system.port}/v1/audio/speech/stream", subprotocols=offered)
    return connection


def say(connection: ClientConnection, kind: str, **fields: Any) -> None:
    connection.send(json.dumps({"type": kind, **fields}))


def hear(connection: ClientConnection, *kinds: str) -> dict[str, Any]:
    """The next event of one of these kinds."""
    while True:
        event: dict[str, Any] = json.loads(connection.recv(timeout=TIMEOUT_S))
        assert event["type"] != "error", event
        if event["type"] in kinds:
            return event


def test_a_models_words_are_heard_while_it_writes_cancelled_and_heard_again(system: System):
    with opened(system, system.key) as connection:
        say(connection, "session.start", voice="slt", timestamps=["word"])
        started = hear(connection, "session.started")["session"]
        letters = [TEXT[start : start + 3] for start in range(0, len(TEXT), 3)]
        for three in letters[: len(letters) // 2]:
            say(connection, "text.append", text=three)
        early = hear(connection, "speech.audio.delta")
        say(connection, "speech.cancel")
        hear(connection, "speech.cancelled")
        for three in letters:
            say(connection, "text.append", text=three)
        say(connection, "session.end")
        sound, words = 0, []
        while (event := hear(connection, "speech.audio.delta", "speech.timestamps", "session.ended"))["type"] != "session.ended":
            sound += len(base64.b64decode(event.get("audio", "")))
            words += [word["word"] for word in event.get("words", [])]
        with pytest.raises(ConnectionClosedOK):
            connection.recv(timeout=TIMEOUT_S)

    assert (started["voice"], started["model"], started["language"], started["sample_rate"]) == ("slt", "flite", "en-us", 24_000)
    assert early["piece"] == 0
    assert " ".join(words) == TEXT.replace(",", "").replace(":", "").replace(".", "")
    assert sound / 48_000 <= event["seconds"] < sound / 48_000 + 10
    assert event["characters"] == pytest.approx(len(TEXT), abs=5)
    unfinished = "from jobs.models import Item; print(*Item.objects.filter(state__in=['queued', 'running'])[:5])"
    wait_until(lambda: system.shell(unfinished) == "")


def test_whoever_does_not_say_who_he_is_is_refused(system: System):
    with pytest.raises(InvalidStatus) as refused, opened(system, "nonsense"):
        pass

    assert refused.value.response.status_code == 403
