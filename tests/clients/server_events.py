"""Everything that a session can tell, in the words of the wire: scripted so that each kind of event comes up, and each of its forms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from accounts.errors import InsufficientQuota
from accounts.ids import new_id
from config.errors import InternalError, Refusal
from tests.voice.realtime.test_random_sessions import STEPS, World
from tests.voice.realtime.test_session import SILENCE, SPEECH, ask, only, say, session, spoken_answer, turn, write
from voice.realtime.effects import Effect, Generate, Send, Sound, Speak, Transcribe
from voice.realtime.playback import BYTES_A_MS
from voice.realtime.responder import Finish
from voice.realtime.session import Session, refused
from voice.realtime.wire import Wire

WEATHER = {"type": "function", "name": "weather", "description": "Of a place.", "parameters": {"type": "object", "properties": {}}}
BETA_MODEL = "gpt-4o-realtime-preview"
# the types of that time know no other
HEARD: dict[str, Any] = {"transcription": {"model": "whisper-1", "language": "en", "prompt": "Weather."}}


class Told:
    """A session, and what its client gets to read."""

    def __init__(self, *, is_beta: bool, **fields: Any) -> None:
        self.events: list[str] = []
        self.machine: Session = session(**({"model": BETA_MODEL} | fields if is_beta else fields))
        self._wire = Wire(is_beta=is_beta, new_id=new_id)
        self.take(self.machine.open())

    def take(self, effects: list[Effect]) -> list[Effect]:
        told = (self._wire.told(effect) for effect in effects if isinstance(effect, Send | Sound))
        self.events += [text for text in told if text is not None]
        return effects

    def send(self, kind: str, **fields: Any) -> list[Effect]:
        return self.take(self.machine.receive({"type": kind, **fields}, 0.0))


def every_server_event(*, is_beta: bool) -> list[str]:
    told = [
        script(is_beta)
        for script in (_settings, _errors, _voice, _misheard, _text, _tools, _ends, _items, _formats, _transcription, _chance)
    ]
    return [event for events in told for event in events]


def _settings(is_beta: bool) -> list[str]:
    told = Told(is_beta=is_beta, instructions="Be kind.", tools=[WEATHER])
    heard: Sequence[dict[str, Any]] = (
        {**HEARD, "format": {"type": "audio/pcmu"}, "turn_detection": {"type": "semantic_vad", "eagerness": "high"}},
        {"format": {"type": "audio/pcma"}, "turn_detection": {"type": "server_vad", "idle_timeout_ms": 6000}},
        {"format": {"type": "audio/pcm", "rate": 24000}, "turn_detection": None, "noise_reduction": {"type": "near_field"}},
        {"transcription": {"model": "whisper-1"}, "noise_reduction": None},
        {"transcription": None},
    )
    for place in heard:
        told.send("session.update", session={"type": "realtime", "audio": {"input": place}})
    others: Sequence[dict[str, Any]] = (
        {"tool_choice": {"type": "function", "name": "weather"}, "max_output_tokens": 100, "output_modalities": ["text"]},
        {"tool_choice": "required", "audio": {"output": {"voice": {"id": "voice_x"}, "speed": 1.2, "format": {"type": "audio/pcmu"}}}},
        {"include": ["item.input_audio_transcription.logprobs"], "truncation": "disabled", "tracing": "auto"},
        {"tools": [], "tool_choice": "none", "truncation": {"type": "retention_ratio", "retention_ratio": 0.8}},
    )
    for fields in others:
        told.send("session.update", session={"type": "realtime", **fields})
    return told.events


def _errors(is_beta: bool) -> list[str]:
    told = Told(is_beta=is_beta, audio={"input": {"turn_detection": None}})
    told.send("nonsense", event_id="e1")
    told.send("session.update", session={"type": "realtime", "max_output_tokens": 0})
    told.send("input_audio_buffer.commit", event_id="e2")
    told.send("response.cancel")
    told.send("conversation.item.create", item={"type": "message", "role": "user", "content": [{"type": "input_image"}]})
    told.send("conversation.item.retrieve", item_id="item_x")
    told.send("output_audio_buffer.clear")
    told.take([refused(InternalError()), refused(Refusal("A message must be a JSON object.", code="parse_error"))])
    told.take(told.machine.expire())
    return told.events


def _voice(is_beta: bool) -> list[str]:
    told = Told(is_beta=is_beta, audio={"input": {**HEARD, "turn_detection": {"type": "server_vad", "idle_timeout_ms": 5000}}})
    heard = only(told.take(turn(told.machine)), Transcribe)
    begun = told.take(told.machine.transcribed(heard.item_id, "What time is it", 0.5, 0.0))
    response = only(begun, Generate).response_id
    replies = told.machine.replies
    wanted = told.take(replies.words(response, "It is noon. ") + replies.answered(response, Finish("stop", 4, 3, 1), 0.0))
    for piece in [effect for effect in wanted if isinstance(effect, Speak)]:
        told.take(told.machine.replies.spoken(response, piece.piece, bytes(900 * BYTES_A_MS), 0.0))
        told.take(told.machine.replies.piece_spoken(response, piece.piece, 0.0))
    said = told.machine.conversation.last
    told.send("conversation.item.truncate", item_id=said, content_index=0, audio_end_ms=300)
    told.send("conversation.item.retrieve", item_id=said)
    told.send("conversation.item.retrieve", item_id=heard.item_id)
    told.send("session.update", session={"type": "realtime", "audio": {"output": {"voice": "ash"}}})
    told.take(say(told.machine, 70, SILENCE, now=60.0))
    told.send("response.cancel")
    told.take(spoken_answer(told.machine, "One two three four five six.", milliseconds=8000))
    told.take(say(told.machine, 3, SPEECH, now=2.0))
    told.send("input_audio_buffer.clear")
    return told.events


def _misheard(is_beta: bool) -> list[str]:
    told = Told(is_beta=is_beta, audio={"input": {**HEARD, "turn_detection": None}})
    for refusal in (
        Refusal("Broken.", code="engine_failed"),
        Refusal("No.", code="unknown_language", param="language"),
        InsufficientQuota(),
    ):
        told.take(say(told.machine, 3, []))
        heard = only(told.send("input_audio_buffer.commit"), Transcribe)
        told.take(told.machine.not_transcribed(heard.item_id, refusal, 0.0))
    return told.events


def _text(is_beta: bool) -> list[str]:
    told = Told(is_beta=is_beta, output_modalities=["text"], max_output_tokens=50)
    told.take(write(told.machine, "Hello"))
    beside: dict[str, Any] = {
        "conversation": "none",
        "metadata": {"topic": "x"},
        "max_output_tokens": 9,
        "audio": {"output": {"voice": {"id": "voice_x"}}},
    }
    responses: Sequence[dict[str, Any]] = ({}, beside, {"output_modalities": ["audio"]})
    for number, response in enumerate(responses):
        wanted = only(told.take(ask(told.machine, float(number), **response)), Generate).response_id
        told.take(told.machine.replies.words(wanted, "Hi. ") + told.machine.replies.answered(wanted, Finish("stop", 1, 1), float(number)))
        told.take(told.machine.replies.piece_spoken(wanted, 0, float(number)))
    return told.events


def _tools(is_beta: bool) -> list[str]:
    told = Told(is_beta=is_beta, tools=[WEATHER])
    told.take(write(told.machine, "Rain?"))
    wanted = only(told.take(ask(told.machine)), Generate).response_id
    told.take(told.machine.replies.words(wanted, "Let me see. "))
    for index, arguments in ((0, '{"city"'), (0, ': "Rome"}'), (1, "")):
        told.take(told.machine.replies.call(wanted, index, f"call_{index}", "weather", arguments))
    told.take(told.machine.replies.answered(wanted, Finish("calls"), 0.0) + told.machine.replies.piece_spoken(wanted, 0, 0.0))
    told.send("conversation.item.create", item={"type": "function_call_output", "call_id": "call_0", "output": "sunny"})
    for item_id in [entry.id for entry in told.machine.conversation._entries]:
        told.send("conversation.item.retrieve", item_id=item_id)
    return told.events


def _ends(is_beta: bool) -> list[str]:
    told = Told(is_beta=is_beta)
    told.take(write(told.machine, "Hello"))
    for finish in (Finish("length", 1, 1), Finish("filter", 1, 0)):
        wanted = only(told.take(ask(told.machine)), Generate).response_id
        told.take(told.machine.replies.words(wanted, "Half an ") + told.machine.replies.answered(wanted, finish, 0.0))
        told.take(told.machine.replies.piece_spoken(wanted, 0, 0.0))
    for refusal in (InternalError(), Refusal("Away.", code="responder_unavailable"), InsufficientQuota()):
        wanted = only(told.take(ask(told.machine)), Generate).response_id
        told.take(told.machine.replies.call(wanted, 0, "call_1", "weather", "{"))
        told.take(told.machine.unanswered(wanted, refusal, 0.0))
    told.take(ask(told.machine))
    told.take(ask(told.machine))
    told.send("response.cancel")
    return told.events


def _items(is_beta: bool) -> list[str]:
    told = Told(is_beta=is_beta)
    messages = (("system", "input_text"), ("user", "input_text"), ("assistant", "output_text"), ("assistant", "text"))
    items: list[dict[str, Any]] = [
        {"type": "message", "role": role, "content": [{"type": kind, "text": "Hello"}]} for role, kind in messages
    ]
    items += [
        {"type": "message", "role": "user", "content": [{"type": "input_audio", "audio": "AAAA"}]},
        {"type": "message", "role": "assistant", "content": [{"type": "output_audio", "transcript": "Hello"}]},
        {"type": "message", "role": "user", "content": []},
        {"type": "function_call", "call_id": "call_1", "name": "weather", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "call_1", "output": "{}"},
    ]
    for item in items:
        told.send("conversation.item.create", item=item, previous_item_id="root" if told.machine.conversation.last else None)
    for item_id in [entry.id for entry in told.machine.conversation._entries]:
        told.send("conversation.item.retrieve", item_id=item_id)
        told.send("conversation.item.delete", item_id=item_id)
    return told.events


def _formats(is_beta: bool) -> list[str]:
    events: list[str] = []
    for form in ("audio/pcmu", "audio/pcma"):
        told = Told(is_beta=is_beta, audio={"output": {"format": {"type": form}}})
        told.take(spoken_answer(told.machine, "Good morning.", milliseconds=500))
        events += told.events
    return events


def _transcription(is_beta: bool) -> list[str]:
    told = Told(is_beta=is_beta, type="transcription")
    told.send("session.update", session={"type": "transcription", "audio": {"input": HEARD}})
    heard = only(told.take(turn(told.machine)), Transcribe)
    told.take(told.machine.transcribed(heard.item_id, "", 0.5, 0.0))
    told.send("response.create")
    return told.events


class _Chance(World):
    """A session of chance, over the wire."""

    def __init__(self, seed: int, *, is_beta: bool) -> None:
        self.wire = Wire(is_beta=is_beta, new_id=new_id)
        self.told: list[str] = []
        super().__init__(seed, *([BETA_MODEL] if is_beta else []))

    def take(self, effects: list[Effect]) -> None:
        told = (self.wire.told(effect) for effect in effects if isinstance(effect, Send | Sound))
        self.told += [text for text in told if text is not None]
        super().take(effects)


def _chance(is_beta: bool) -> list[str]:
    events: list[str] = []
    for seed in range(100, 104):
        world = _Chance(seed, is_beta=is_beta)
        for _ in range(STEPS):
            world.step()
        events += world.told
    return events
