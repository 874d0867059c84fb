"""Timestamps at the end of a stream, and of what is kept, by the system as it runs."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.e2e.system import System

pytestmark = [pytest.mark.shapes("deployed"), pytest.mark.parametrize("store", [True, False])]


def events(system: System, **fields: Any) -> tuple[list[dict[str, Any]], str | None]:
    """The events of a stream, and the id of the output."""
    body = {"model": "tts-1", "voice": "tone", "input": "Hi you.", "response_format": "pcm", "stream_format": "sse", **fields}
    with system.client() as client:
        answer = client.post("/v1/audio/speech", json=body)
    assert answer.status_code == 200, answer.content
    told = [json.loads(line.removeprefix("data: ")) for line in answer.text.splitlines() if line]
    return told, answer.headers.get("x-output-id")


def test_the_last_event_has_what_was_asked_for(system: System, store: bool):
    told, output = events(system, timestamp_granularities=["word", "sentence"], store=store)

    *pieces, done = told
    seconds = len(b"".join(base64.b64decode(piece["audio"]) for piece in pieces)) / 48_000
    assert done["type"] == "speech.audio.done"
    assert done["words"] == [{"word": "Hi", "start": 0.0, "end": 0.08}, {"word": "you", "start": 0.12, "end": 0.24}]
    assert done["sentences"] == [{"text": "Hi you.", "start": 0.0, "end": 0.24}]
    assert seconds == pytest.approx(0.28)
    if output:
        with system.client() as client:
            kept = client.get(f"/v1/outputs/{output}/timestamps").json()
        assert (kept["words"], kept["sentences"]) == (done["words"], done["sentences"])


def test_what_is_served_again_has_them_too(system: System, store: bool):
    first, again = (events(system, input="Again, you.", timestamp_granularities=["word"], store=store)[0][-1] for _ in range(2))

    assert first["words"] == again["words"]
    assert [word["word"] for word in again["words"]] == ["Again", "you"]


def test_the_last_event_has_nothing_that_was_not_asked_for(system: System, store: bool):
    told, _ = events(system, store=store)

    assert set(told[-1]) == {"type", "usage"}


def test_a_long_text_has_all_of_its_words(system: System, store: bool):
    text = "It cost $5, and nobody knew why. " * 80

    told, _ = events(system, input=text, voice="slt", timestamp_granularities=["word"], store=store)

    words = told[-1]["words"]
    assert [word["word"] for word in words] == ["It", "cost", "$5", "and", "nobody", "knew", "why"] * 80
