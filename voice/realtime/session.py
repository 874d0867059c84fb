"""A live conversation as a state machine: what the client sends and what the clock says go in, what is to be done comes out.

No I/O, no framework, no clock of its own: `now` is in seconds and never goes back. Whoever holds a Session performs the effects in
their order and reports what came of them. Nothing here grows with the length of the call beyond the bounds of its parts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from accounts.errors import InsufficientQuota
from config.errors import Refusal
from voice.realtime.answer import Answer, Manner
from voice.realtime.conversation import Conversation, Entry, made
from voice.realtime.ear import SHORTEST_MS, Ear
from voice.realtime.effects import Close, Effect, Generate, Send, Stop, Transcribe
from voice.realtime.playback import duration_ms
from voice.realtime.requests import Asked, asked
from voice.realtime.responder import Finish, Message
from voice.realtime.settings import Settings, Transcription, checked
from voice.realtime.turns import Started, Stopped, TimedOut, interruption
from voice.realtime.utterances import is_backchannel

MOST_ANSWERS = 4
# under way at a time: one of the conversation, the others beside it
LONGEST_EVENT_ID = 512
NORMAL_CLOSURE = 1000
POLICY_VIOLATION = 1008
RESPONSE_GONE = "response_cancel_not_active"


class InvalidEvent(Refusal):
    code = "invalid_value"
    message = "There is no such event."


@dataclass(slots=True)
class Figures:
    """What a session came to."""

    milliseconds_in: int = 0
    milliseconds_out: int = 0
    responses: int = 0
    interruptions: int = 0
    input_tokens: int = 0
    output_tokens: int = 0


@dataclass(slots=True)
class _Pending:
    """A response that begins when all that was said is understood."""

    answer: Answer
    asked: Asked
    context: tuple[Message, ...] | None
    # none: the conversation's
    turn: str = ""
    # the item that it answers, where it was not asked for


@dataclass(slots=True)
class _Turn:
    """What somebody is saying."""

    item_id: str
    begun_ms: int
    told: bool = True
    # False: it is not known yet whether it is meant to interrupt


@dataclass(slots=True)
class Session:
    id: str
    settings: Settings
    new_id: Callable[[str], str]
    expires_at: int
    # Unix seconds, as the client is told
    user: str = ""
    # an opaque id of whose it is
    figures: Figures = field(default_factory=Figures)
    conversation: Conversation = field(default_factory=Conversation)
    _conversation_id: str = ""
    _ear: Ear = field(init=False)
    _answers: dict[str, Answer] = field(default_factory=dict)
    _main: Answer | None = None
    # of the conversation, the last one
    _pending: dict[str, _Pending] = field(default_factory=dict)
    _turn: _Turn | None = None
    _cut: tuple[str, str] | None = None
    # the turn that cut an answer off, and what of that answer was not heard
    _has_spoken: bool = False
    # whether the client has had audio: from then on its voice stays

    def __post_init__(self) -> None:
        self._conversation_id = self.new_id("conv")
        self._ear = Ear(self.settings.audio.input.turn_detection)

    def open(self) -> list[Effect]:
        return [Send({"type": "session.created", "session": self.shown()})]

    def shown(self) -> dict[str, Any]:
        return self.settings.shown(session_id=self.id, expires_at=self.expires_at)

    def kept(self) -> dict[str, Any]:
        """What a client that comes back finds, as JSON."""
        return {"settings": self.settings.model_dump(), "items": self.conversation.kept(), "spoken": self._has_spoken}

    @classmethod
    def restored(cls, kept: dict[str, Any], **fields: Any) -> Session:
        """The session that was `kept`; the other fields are as for a new one."""
        session = cls(settings=checked(kept["settings"]), **fields)
        session.conversation.restore(kept["items"])
        session._has_spoken = kept["spoken"]
        return session

    @property
    def listens_for_turns(self) -> bool:
        """Whether `heard` needs probabilities."""
        return self._ear.turns is not None

    @property
    def answers(self) -> bool:
        """Whether a response is under way."""
        return bool(self._answers)

    # what the client sends

    def receive(self, event: dict[str, Any], now: float) -> list[Effect]:
        """Any event but the sound itself, which comes by `heard`."""
        kind, event_id = event.get("type"), event.get("event_id")
        if event_id is not None and (not isinstance(event_id, str) or len(event_id) > LONGEST_EVENT_ID):
            event_id = None
        try:
            if not isinstance(kind, str) or (act := HANDLERS.get(kind)) is None:
                known = ", ".join(["input_audio_buffer.append", *HANDLERS])
                raise InvalidEvent(f"'type' must be one of {known}.", param="type")
            return act(self, event, now)
        except Refusal as refusal:
            return [refused(refusal, event_id)]

    def heard(self, pcm: bytes, probabilities: Sequence[float], now: float) -> list[Effect]:
        """More of what the microphone gives: 16 bit, mono, 24 kHz, and a probability of speech for each 20 ms where turns are detected."""
        try:
            happened = self._ear.push(pcm, probabilities)
        except Refusal as refusal:
            return [refused(refusal)]
        self.figures.milliseconds_in += duration_ms(pcm)
        effects: list[Effect] = []
        for event in happened:
            match event:
                case Started():
                    effects += self._begin_turn(event, now)
                case Stopped():
                    effects += self._end_turn(event, now)
                case TimedOut():
                    effects += self._time_out(event, now)
        if self._turn is not None and not self._turn.told:
            effects += self._weigh(self._turn, now)
        if (turns := self._ear.turns) is not None:
            turns.answering(self._audible(now))
        return effects

    # what came of the effects

    def transcribed(self, item_id: str, text: str, seconds: float, now: float) -> list[Effect]:
        effects: list[Effect] = []
        if (entry := self._understood(item_id, text)) and self._tells_transcripts:
            place = {"item_id": entry.id, "content_index": 0}
            kind = "conversation.item.input_audio_transcription"
            if text:
                effects.append(Send({"type": f"{kind}.delta", **place, "delta": text}))
            usage = {"type": "duration", "seconds": seconds}
            effects.append(Send({"type": f"{kind}.completed", **place, "transcript": text, "usage": usage}))
        return effects + self._go_on(now)

    def not_transcribed(self, item_id: str, refusal: Refusal, now: float) -> list[Effect]:
        effects: list[Effect] = []
        if entry := self._understood(item_id, ""):
            if self._tells_transcripts:
                error = {"type": refusal.type, "code": refusal.code, "message": refusal.message}
                kind = "conversation.item.input_audio_transcription.failed"
                effects.append(Send({"type": kind, "item_id": entry.id, "content_index": 0, "error": error}))
            effects += self._spent(refusal)
        return effects + self._go_on(now)

    def words(self, response_id: str, text: str) -> list[Effect]:
        answer = self._answers.get(response_id)
        return answer.words(text) if answer else []

    def call(self, response_id: str, index: int, call_id: str, name: str, arguments: str) -> list[Effect]:
        answer = self._answers.get(response_id)
        return answer.call(index, call_id, name, arguments) if answer else []

    def answered(self, response_id: str, finish: Finish, now: float) -> list[Effect]:
        if (answer := self._answers.get(response_id)) is None:
            return []
        self.figures.input_tokens += finish.input_tokens
        self.figures.output_tokens += finish.output_tokens
        return answer.answered(finish) + self._release(answer, now)

    def unanswered(self, response_id: str, refusal: Refusal, now: float) -> list[Effect]:
        """The responder, or the voice, has failed."""
        if (answer := self._answers.get(response_id)) is None:
            return []
        effects = self._after(answer, [*answer.fail(refusal, now), Stop(response_id)])
        return effects + self._spent(refusal)

    def spoken(self, response_id: str, piece: int, pcm: bytes, now: float) -> list[Effect]:
        if (answer := self._answers.get(response_id)) is None:
            return []
        answer.spoken(piece, pcm)
        return self._release(answer, now)

    def piece_spoken(self, response_id: str, piece: int, now: float) -> list[Effect]:
        if (answer := self._answers.get(response_id)) is None:
            return []
        answer.piece_spoken(piece)
        return self._release(answer, now)

    def tick(self, now: float) -> list[Effect]:
        """Send what may be sent by now."""
        return [effect for answer in list(self._answers.values()) for effect in self._release(answer, now)]

    def next_tick(self, now: float) -> float | None:
        """When `tick` will have something to do, if nothing happens before."""
        times = [time for answer in self._answers.values() if self._sends(answer) and (time := answer.next_release(now)) is not None]
        return min(times, default=None)

    def expire(self) -> list[Effect]:
        """It has lasted as long as one may."""
        told = Refusal("The session has reached its maximum length. Open another one.", code="session_expired")
        return [refused(told), Close(NORMAL_CLOSURE, "session_expired")]

    # turns

    def _begin_turn(self, event: Started, now: float) -> list[Effect]:
        detection = self.settings.audio.input.turn_detection
        doubtful = detection is not None and detection.type == "semantic_vad" and detection.interrupt_response and self._audible(now)
        self._turn = _Turn(self.new_id("item"), event.audio_start_ms, told=not doubtful)
        return [] if doubtful else self._tell_turn(self._turn, now)

    def _tell_turn(self, turn: _Turn, now: float) -> list[Effect]:
        turn.told = True
        started: list[Effect] = [
            Send({"type": "input_audio_buffer.speech_started", "item_id": turn.item_id, "audio_start_ms": turn.begun_ms})
        ]
        detection = self.settings.audio.input.turn_detection
        if detection is None or not detection.interrupt_response or self._main is None or self._main.over:
            return started
        self.figures.interruptions += 1
        effects = started + self._cancel(self._main, "turn_detected", now)
        self._cut = (turn.item_id, self._main.remainder) if self._main.remainder else None
        return effects

    def _weigh(self, turn: _Turn, now: float) -> list[Effect]:
        """Whether what is said over an answer is meant to end it. Until that is known nothing more of the answer is sent."""
        turns = self._ear.turns
        if turns is None or not self._audible(now) or interruption(turns.spoken_ms, "") == "interrupt":
            return self._tell_turn(turn, now)
        return []

    def _end_turn(self, event: Stopped, now: float) -> list[Effect]:
        turn, self._turn = self._turn, None
        if turn is None:
            return []
        if not turn.told:
            # a cough, or an "uh-huh": the answer goes on
            self._ear.take()
            return self.tick(now)
        stopped = Send({"type": "input_audio_buffer.speech_stopped", "item_id": turn.item_id, "audio_end_ms": event.audio_end_ms})
        return [stopped, *self._commit(turn.item_id), *self._answer_turn(turn.item_id, now)]

    def _time_out(self, event: TimedOut, now: float) -> list[Effect]:
        item_id = self.new_id("item")
        times = {"audio_start_ms": event.audio_start_ms, "audio_end_ms": event.audio_end_ms}
        told = Send({"type": "input_audio_buffer.timeout_triggered", "item_id": item_id, **times})
        self._ear.take()
        return [told, *self._add_said(item_id, b""), *self._answer_turn(item_id, now)]

    def _answer_turn(self, item_id: str, now: float) -> list[Effect]:
        detection = self.settings.audio.input.turn_detection
        answers = self.settings.type == "realtime" and detection is not None and detection.create_response
        if not answers or (self._main is not None and not self._main.over):
            return []
        return self._respond(Asked(), now, turn=item_id)

    def _commit(self, item_id: str) -> list[Effect]:
        return self._add_said(item_id, self._ear.take())

    def _add_said(self, item_id: str, pcm: bytes) -> list[Effect]:
        """A user's item of sound, which is to be understood; of none where there is nothing in it."""
        entry = Entry(item_id, "message", role="user", content=[{"type": "input_audio", "transcript": None}], awaited=bool(pcm))
        before = self.conversation.last
        committed = Send({"type": "input_audio_buffer.committed", "item_id": item_id, "previous_item_id": before})
        effects = [committed, *self._add(entry)]
        if pcm:
            heard = self.settings.audio.input.transcription or Transcription()
            effects.append(Transcribe(item_id, pcm, "audio/pcm", heard))
        return effects

    def _add(self, entry: Entry, after: str | None = None) -> list[Effect]:
        before = self.conversation.add(entry, after)
        place = {"previous_item_id": before, "item": entry.shown()}
        return [Send({"type": "conversation.item.added", **place}), Send({"type": "conversation.item.done", **place})]

    def _understood(self, item_id: str, text: str) -> Entry | None:
        entry = self.conversation.find(item_id)
        if entry is None or not entry.awaited:
            return None
        entry.awaited = False
        for part in entry.content:
            if part["type"] == "input_audio":
                part["transcript"] = text
        return entry

    @property
    def _language(self) -> str:
        """What is spoken here, as far as the client has said."""
        heard = self.settings.audio.input.transcription
        return (heard and heard.language) or "en"

    @property
    def _tells_transcripts(self) -> bool:
        return self.settings.type == "transcription" or self.settings.audio.input.transcription is not None

    # responses

    def _respond(self, wanted: Asked, now: float, *, turn: str = "") -> list[Effect]:
        output = wanted.output(self.settings)
        aside = wanted.conversation == "none"
        if aside and len(self._answers) >= MOST_ANSWERS:
            raise Refusal(f"{MOST_ANSWERS} responses are under way, as many as may be.", code="too_many_responses")
        answer = Answer(
            self.new_id("resp"),
            Manner(
                audio="audio" in (wanted.output_modalities or self.settings.output_modalities),
                voice=output.voice,
                speed=output.speed,
                format=output.format,
                max_output_tokens=wanted.max_output_tokens or self.settings.max_output_tokens,
                metadata=wanted.metadata,
                conversation_id=None if aside else self._conversation_id,
                language=self._language,
            ),
            new_id=self.new_id,
            place=_nowhere if aside else self.conversation.add,
        )
        context = wanted.context(self.conversation, self.new_id("item"))
        self._answers[answer.id] = answer
        if not aside:
            self._main = answer
        self._pending[answer.id] = _Pending(answer, wanted, context, turn)
        self.figures.responses += 1
        return [*answer.start(), *self._go_on(now)]

    def _go_on(self, now: float) -> list[Effect]:
        """Begin the responses that have waited for something to be understood."""
        if self.conversation.awaits:
            return []
        effects: list[Effect] = []
        for waiting in list(self._pending.values()):
            del self._pending[waiting.answer.id]
            effects += self._resumed(waiting, now) or [self._generate(waiting)]
        return effects

    def _resumed(self, waiting: _Pending, now: float) -> list[Effect]:
        """Where nobody meant to interrupt, the answer that was cut off goes on with what was not heard of it."""
        cut, self._cut = self._cut, None
        if cut is None or cut[0] != waiting.turn:
            return []
        turn = self.conversation.find(waiting.turn)
        if turn is not None and turn.words and not is_backchannel(turn.words):
            return []
        answer = waiting.answer
        return answer.words(cut[1]) + answer.answered(Finish("stop")) + self._release(answer, now)

    def _generate(self, waiting: _Pending) -> Generate:
        messages = self.conversation.messages() if waiting.context is None else waiting.context
        return Generate(waiting.answer.id, waiting.asked.prompt(self.settings, messages, self.user))

    def _cancel(self, answer: Answer, reason: str, now: float) -> list[Effect]:
        return self._after(answer, [Stop(answer.id), *answer.cancel(reason, now)])

    def _release(self, answer: Answer, now: float) -> list[Effect]:
        return self._after(answer, answer.release(now)) if self._sends(answer) else []

    def _after(self, answer: Answer, effects: list[Effect]) -> list[Effect]:
        """What is over is let go; whoever follows the conversation is told what is left of the limits."""
        self._has_spoken = self._has_spoken or answer.playback.sent_ms > 0
        if answer.over and answer.id in self._answers:
            del self._answers[answer.id]
            self._pending.pop(answer.id, None)
            self.figures.milliseconds_out += answer.playback.sent_ms
            effects.append(Send({"type": "rate_limits.updated", "rate_limits": []}))
        return effects

    def _audible(self, now: float) -> bool:
        """Whether the assistant has the word, or is still heard."""
        return self._main is not None and (not self._main.over or self._main.playback.ahead(now) > 0)

    def _sends(self, answer: Answer) -> bool:
        """Not while somebody speaks over it of whom it is not known what he means."""
        return answer is not self._main or self._turn is None or self._turn.told

    def _spent(self, refusal: Refusal) -> list[Effect]:
        """Who has used up his quota is told so, and has nothing more to do here."""
        if not isinstance(refusal, InsufficientQuota):
            return []
        return [refused(refusal), Close(POLICY_VIOLATION, refusal.code)]

    # the client's events, one by one

    def _update(self, event: dict[str, Any], now: float) -> list[Effect]:
        settings = self.settings.updated(event.get("session"))
        if self._has_spoken and settings.audio.output.voice != self.settings.audio.output.voice:
            message = "The voice can't be changed once the session has spoken."
            raise Refusal(message, code="cannot_update_voice", param="session.audio.output.voice")
        before, self.settings = self.settings.audio.input.turn_detection, settings
        if settings.audio.input.turn_detection != before:
            self._turn = None
            self._ear.obey(settings.audio.input.turn_detection)
        return [Send({"type": "session.updated", "session": self.shown()})]

    def _commit_buffer(self, event: dict[str, Any], now: float) -> list[Effect]:
        if self._ear.held_ms < SHORTEST_MS:
            message = f"The buffer has {self._ear.held_ms} ms of audio; at least {SHORTEST_MS} ms can be committed."
            raise Refusal(message, code="input_audio_buffer_commit_empty")
        item_id = self._turn.item_id if self._turn is not None else self.new_id("item")
        self._turn = None
        pcm = self._ear.take()
        self._ear.clear()
        return self._add_said(item_id, pcm)

    def _clear_buffer(self, event: dict[str, Any], now: float) -> list[Effect]:
        self._turn = None
        self._ear.clear()
        return [Send({"type": "input_audio_buffer.cleared"})]

    def _create_item(self, event: dict[str, Any], now: float) -> list[Effect]:
        entry = made(event.get("item"), self.new_id("item"))
        after = event.get("previous_item_id")
        if after is not None and not isinstance(after, str):
            raise Refusal("'previous_item_id' must be a string.", code="invalid_type", param="previous_item_id")
        return self._add(entry, after)

    def _retrieve_item(self, event: dict[str, Any], now: float) -> list[Effect]:
        entry = self.conversation.get(event.get("item_id"), "retrieve")
        return [Send({"type": "conversation.item.retrieved", "item": entry.shown()})]

    def _truncate_item(self, event: dict[str, Any], now: float) -> list[Effect]:
        entry = self.conversation.get(event.get("item_id"), "truncate")
        end = event.get("audio_end_ms")
        if event.get("content_index", 0) != 0 or not entry.content or entry.content[0]["type"] != "output_audio":
            raise Refusal("Only the audio of an assistant's message can be truncated.", code="invalid_value", param="item_id")
        if type(end) is not int or end < 0:
            raise Refusal("'audio_end_ms' must be a whole number of milliseconds.", code="invalid_type", param="audio_end_ms")
        if end > entry.sound_ms:
            message = f"Audio content of {entry.sound_ms} ms is already shorter than {end} ms."
            raise Refusal(message, code="invalid_value", param="audio_end_ms")
        entry.cut(end)
        return [Send({"type": "conversation.item.truncated", "item_id": entry.id, "content_index": 0, "audio_end_ms": end})]

    def _delete_item(self, event: dict[str, Any], now: float) -> list[Effect]:
        entry = self.conversation.delete(event.get("item_id"))
        return [Send({"type": "conversation.item.deleted", "item_id": entry.id}), *self._go_on(now)]

    def _create_response(self, event: dict[str, Any], now: float) -> list[Effect]:
        if self.settings.type == "transcription":
            raise Refusal("A transcription session gives no responses.", code="invalid_value", param="type")
        wanted = asked({} if event.get("response") is None else event["response"])
        if wanted.conversation == "auto" and self._main is not None and not self._main.over:
            message = f"Conversation already has an active response in progress: {self._main.id}. Wait until it is finished, or cancel it."
            raise Refusal(message, code="conversation_already_has_active_response")
        return self._respond(wanted, now)

    def _cancel_response(self, event: dict[str, Any], now: float) -> list[Effect]:
        named = event.get("response_id")
        answer = self._answers.get(str(named)) if named else self._main
        if answer is None or answer.over:
            raise Refusal("Cancellation failed: no active response found.", code=RESPONSE_GONE)
        return self._cancel(answer, "client_cancelled", now)

    def _clear_output(self, event: dict[str, Any], now: float) -> list[Effect]:
        raise InvalidEvent("The output audio buffer is the client's own here: only WebRTC has one at the server.", param="type")


def refused(refusal: Refusal, event_id: str | None = None) -> Send:
    """The `error` event of a refusal; `event_id` is of the client's event that caused it."""
    error = {"type": refusal.type, "code": refusal.code, "message": refusal.message, "param": refusal.param, "event_id": event_id}
    return Send({"type": "error", "error": error})


def _nowhere(_entry: Entry) -> None:
    """The place of an item that is not part of the conversation."""


HANDLERS: dict[str, Callable[[Session, dict[str, Any], float], list[Effect]]] = {
    "session.update": Session._update,
    "input_audio_buffer.commit": Session._commit_buffer,
    "input_audio_buffer.clear": Session._clear_buffer,
    "conversation.item.create": Session._create_item,
    "conversation.item.retrieve": Session._retrieve_item,
    "conversation.item.truncate": Session._truncate_item,
    "conversation.item.delete": Session._delete_item,
    "response.create": Session._create_response,
    "response.cancel": Session._cancel_response,
    "output_audio_buffer.clear": Session._clear_output,
}
