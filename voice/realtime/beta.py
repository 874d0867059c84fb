"""The dialect that clients spoke before GA, and still do who send `OpenAI-Beta: realtime=v1`: other names, flat sessions.

https://platform.openai.com/docs/guides/realtime#beta-to-ga-migration
"""

from __future__ import annotations

from typing import Any

FORMATS = {"pcm16": "audio/pcm", "g711_ulaw": "audio/pcmu", "g711_alaw": "audio/pcma"}
NAMES_OF_FORMATS = {ours: theirs for theirs, ours in FORMATS.items()}
INPUT = {"input_audio_noise_reduction": "noise_reduction", "input_audio_transcription": "transcription", "turn_detection": "turn_detection"}
OUTPUT = {"voice": "voice", "speed": "speed"}
PLAIN = {"instructions", "model", "tools", "tool_choice", "tracing", "include", "metadata", "conversation", "input"}
EVENTS = {
    "response.output_audio.delta": "response.audio.delta",
    "response.output_audio.done": "response.audio.done",
    "response.output_audio_transcript.delta": "response.audio_transcript.delta",
    "response.output_audio_transcript.done": "response.audio_transcript.done",
    "response.output_text.delta": "response.text.delta",
    "response.output_text.done": "response.text.done",
}
PARTS = {"output_text": "text", "output_audio": "audio"}
TEMPERATURE = 0.8
# that it told of, and nobody can set any more
UNTOLD = frozenset({"conversation.item.done", "input_audio_buffer.timeout_triggered"})


def understood(event: dict[str, Any]) -> dict[str, Any]:
    """A client's event as GA has it; what is not what it should be stays so, and is refused there."""
    changed = dict(event)
    if event.get("type") in ("session.update", "transcription_session.update") and isinstance(event.get("session"), dict):
        kind = "realtime" if event["type"] == "session.update" else "transcription"
        changed |= {"type": "session.update", "session": {"type": kind, **_nested(event["session"])}}
    elif event.get("type") == "response.create" and isinstance(event.get("response"), dict):
        changed["response"] = _nested(event["response"])
    return changed


def told(event: dict[str, Any]) -> dict[str, Any] | None:
    """A server's event as the dialect has it; none where it has no such thing."""
    kind = event["type"]
    if kind in UNTOLD:
        return None
    changed = {**event, "type": EVENTS.get(kind, kind)}
    if kind == "conversation.item.added":
        changed["type"] = "conversation.item.created"
    if kind == "response.function_call_arguments.done":
        del changed["name"]
    if "session" in event:
        if kind == "session.updated" and event["session"]["type"] == "transcription":
            changed["type"] = "transcription_session.updated"
        changed["session"] = _flat(event["session"])
    if "item" in event:
        changed["item"] = _item(event["item"])
    if "response" in event:
        changed["response"] = _response(event["response"])
    return changed


def _nested(flat: dict[str, Any]) -> dict[str, Any]:
    """Of a session or a response."""
    nested = {name: value for name, value in flat.items() if name in PLAIN}
    if "modalities" in flat:
        modalities = flat["modalities"]
        nested["output_modalities"] = ["audio"] if isinstance(modalities, list) and "audio" in modalities else modalities
    for name in ("max_response_output_tokens", "max_output_tokens"):
        if name in flat:
            nested["max_output_tokens"] = flat[name]
    heard = {ours: flat[theirs] for theirs, ours in INPUT.items() if theirs in flat}
    spoken = {ours: flat[theirs] for theirs, ours in OUTPUT.items() if theirs in flat}
    for side, name in ((heard, "input_audio_format"), (spoken, "output_audio_format")):
        if name in flat:
            side["format"] = {"type": FORMATS.get(flat[name], flat[name])}
    audio = {side: fields for side, fields in (("input", heard), ("output", spoken)) if fields}
    return nested | ({"audio": audio} if audio else {})


def _flat(session: dict[str, Any]) -> dict[str, Any]:
    heard, spoken = session["audio"]["input"], session["audio"].get("output")
    flat = {
        "id": session["id"],
        "object": session["object"],
        "expires_at": session["expires_at"],
        "input_audio_format": NAMES_OF_FORMATS[heard["format"]["type"]],
        "input_audio_noise_reduction": heard["noise_reduction"],
        "input_audio_transcription": heard["transcription"],
        "turn_detection": _detection(heard["turn_detection"]),
    }
    if spoken is None:
        return flat
    return flat | {
        "model": session["model"],
        "modalities": _modalities(session["output_modalities"]),
        "instructions": session["instructions"],
        "voice": spoken["voice"],
        "speed": spoken["speed"],
        "output_audio_format": NAMES_OF_FORMATS[spoken["format"]["type"]],
        "tools": session["tools"],
        "tool_choice": session["tool_choice"] if isinstance(session["tool_choice"], str) else session["tool_choice"]["type"],
        "temperature": TEMPERATURE,
        "max_response_output_tokens": session["max_output_tokens"],
        "tracing": session["tracing"],
    }


def _detection(detection: dict[str, Any] | None) -> dict[str, Any] | None:
    return detection and {name: value for name, value in detection.items() if name != "idle_timeout_ms"}


def _response(response: dict[str, Any]) -> dict[str, Any]:
    changed = {name: value for name, value in response.items() if name not in ("output_modalities", "audio")}
    spoken = response["audio"]["output"]
    return changed | {
        "output": [_item(item) for item in response["output"]],
        "modalities": _modalities(response["output_modalities"]),
        "voice": spoken["voice"],
        "output_audio_format": NAMES_OF_FORMATS[spoken["format"]["type"]],
        "temperature": TEMPERATURE,
    }


def _modalities(modalities: list[str]) -> list[str]:
    return ["text", "audio"] if "audio" in modalities else modalities


def _item(item: dict[str, Any]) -> dict[str, Any]:
    if "content" not in item:
        return item
    return item | {"content": [part | {"type": PARTS.get(part["type"], part["type"])} for part in item["content"]]}
