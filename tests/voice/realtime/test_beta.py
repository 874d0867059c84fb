"""The dialect before GA: its names for what clients send and servers tell."""

from __future__ import annotations

from typing import Any

from tests.voice.realtime.test_session import ask, event, only, session, write
from voice.realtime import beta
from voice.realtime.effects import Generate
from voice.realtime.responder import Finish


def test_a_flat_session_is_understood_and_told():
    machine = session()
    flat = {
        "modalities": ["text"],
        "voice": "ash",
        "input_audio_format": "g711_ulaw",
        "turn_detection": {"type": "server_vad", "idle_timeout_ms": 6000},
        "max_response_output_tokens": 50,
    }

    updated = event(machine.receive(beta.understood({"type": "session.update", "session": flat}), 0.0), "session.updated")
    told = beta.told(updated)

    assert updated["session"]["audio"]["input"]["format"] == {"type": "audio/pcmu"}
    assert told is not None
    shown: dict[str, Any] = told["session"]
    assert [shown[name] for name in ("modalities", "voice", "input_audio_format", "max_response_output_tokens")] == [
        ["text"],
        "ash",
        "g711_ulaw",
        50,
    ]
    assert "idle_timeout_ms" not in shown["turn_detection"]


def test_a_transcription_session_has_events_of_its_own():
    machine = session(type="transcription")
    wanted = {"type": "transcription_session.update", "session": {"input_audio_transcription": {"model": "whisper-1"}}}

    told = beta.told(event(machine.receive(beta.understood(wanted), 0.0), "session.updated"))

    assert told is not None
    assert told["type"] == "transcription_session.updated"
    assert told["session"]["input_audio_transcription"]["model"] == "whisper-1"


def test_an_item_is_told_once_and_a_call_without_its_name():
    machine = session()
    item = write(machine, "Rain?")
    wanted = only(ask(machine), Generate).response_id
    machine.replies.call(wanted, 0, "call_1", "weather", "{}")
    done = event(machine.replies.answered(wanted, Finish("calls"), 0.0), "response.function_call_arguments.done")

    added, ended = (beta.told(event(item, f"conversation.item.{name}")) for name in ("added", "done"))
    called = beta.told(done)

    assert added is not None
    assert (added["type"], ended) == ("conversation.item.created", None)
    assert called == {name: value for name, value in done.items() if name != "name"}
