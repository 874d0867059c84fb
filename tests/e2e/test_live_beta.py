"""Clients of the beta's time hold a conversation in its dialect; all that they are told is of their types."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clients.readers import PROGRAMS, Readers, environment
from tests.e2e.system import System
from tests.e2e.talk import SILENCE, WORDS, phrase
from tests.waiting import TIMEOUT_S

pytestmark = pytest.mark.shapes("deployed")


@pytest.mark.parametrize("package", ["openai-2", "openai-1"])
def test_an_older_client_holds_a_conversation(system: System, beta_readers: Readers, tmp_path: Path, package: str):
    sound = tmp_path / "sound"
    sound.write_bytes(phrase() + SILENCE)

    done = subprocess.run(
        [sys.executable, PROGRAMS / "beta_talk.py", f"{system.url}/v1", system.key, sound],
        env=environment(package),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )

    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    told = done.stdout.splitlines()
    assert beta_readers.objections(told) == []
    events = [json.loads(text) for text in told]
    answers = [event["response"] for event in events if event["type"] == "response.done"]
    heard = [event["transcript"] for event in events if event["type"] == "conversation.item.input_audio_transcription.completed"]
    assert [answer["status"] for answer in answers] == ["completed", "cancelled", "completed", "completed"]
    assert all(set(transcript.split()) >= WORDS for transcript in heard)
    assert len(heard) == 2
    assert answers[0]["output"][0]["content"] == [{"type": "audio", "transcript": heard[0]}]
    assert answers[2]["output"][0]["name"] == "weather"
    assert answers[3]["output"][0]["content"] == [{"type": "text", "text": "It will not rain."}]
