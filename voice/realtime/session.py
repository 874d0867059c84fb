"""A live conversation as a state machine: what the client sends and what the clock says go in, what is to be done comes out.

No I/O, no framework, no clock of its own: `now` is in seconds and never goes back. Whoever holds a Session performs the effects in
their order and reports what came of them. Nothing here grows with the length of the call beyond the bounds of its parts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from accounts.errors import InsufficientQuota
from config.errors import Refusal
from jobs import closing
from voice.realtime.conversation import Conversation, Entry, made, sound_of
from voice.realtime.ear import SHORTEST_MS, Ear
from voice.realtime.effects import Close, Effect, Send, Transcribe
from voice.realtime.figures import Figures
from voice.realtime.playback import duration_ms
from voice.realtime.replies import Replies
from voice.realtime.requests import Asked, asked
from voice.realtime.settings import Settings, Transcription, checked
from voice.realtime.turns import Started, Stopped, TimedOut, Turns, interruption

LONGEST_EVENT_ID = 512


class InvalidEvent(Refusal):
    code = "invalid_value"
    message = "There is no such event."


GLIMPSE_MS = 200
# of a pause: then it is worth to know what was said so far


@dataclass(slots=True)
class _Glimpse:
    """What a turn says so far, understood in one of its pauses: it tells whether the turn is over, and is its transcript if it was."""

    until_ms: int
    text: str | None = None
    # none: not understood yet
    failed: bool = False


@dataclass(slots=True)
class _Turn:
    """What somebody is saying."""

    item_id: str
    begun_ms: int
    told: bool = True
    # False: it is not known yet whether it is meant to interrupt
    glimpse: _Glimpse | None = None


class Session:
    """`replies` is told what came of the responses, and says what is to be sent and when; the session sees to all else.

    `expires_at` is in Unix seconds, as the client is told; `user` is an opaque id of whose it is.
    """

    def __init__(self, *, id: str, settings: Settings, new_id: Callable[[str], str], expires_at: int, user: str = "") -> None:  # noqa: A002  -- it is one
        self.id = id
        self.settings = settings
        self.figures = Figures()
        self.conversation = Conversation()
        self.replies = Replies(settings, self.conversation, new_id=new_id, figures=self.figures, user=user)
        self._new_id = new_id
        self._expires_at = expires_at
        self._ear = Ear(settings.audio.input.turn_detection)
        self._turn: _Turn | None = None
        self._settling: dict[str, int] = {}
        # items whose glimpse is awaited for their transcript: where it ends

    def open(self) -> list[Effect]:
        return [Send({"type": "session.created", "session": self.shown()})]

    def shown(self) -> dict[str, Any]:
        return self.settings.shown(session_id=self.id, expires_at=self._expires_at)

    def kept(self) -> dict[str, Any]:
        """What a client that comes back finds, as JSON."""
        return {"settings": self.settings.model_dump(), "items": self.conversation.kept(), "spoken": self.replies.has_spoken}

    @classmethod
    def restored(cls, kept: dict[str, Any], **fields: Any) -> Session:
        """The session that was `kept`; the other fields are as for a new one."""
        session = cls(settings=checked(kept["settings"]), **fields)
        session.conversation.restore(kept["items"])
        session.replies.has_spoken = kept["spoken"]
        return session

    @property
    def listens_for_turns(self) -> bool:
        """Whether `heard` needs probabilities."""
        return self._ear.turns is not None

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
            turns.answering(self.replies.audible(now))
            effects += self._glance(turns)
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
        return effects + self.replies.go_on(now)

    def not_transcribed(self, item_id: str, refusal: Refusal, now: float) -> list[Effect]:
        effects: list[Effect] = []
        if entry := self._understood(item_id, ""):
            if self._tells_transcripts:
                error = {"type": refusal.type, "code": refusal.code, "message": refusal.message}
                kind = "conversation.item.input_audio_transcription.failed"
                effects.append(Send({"type": kind, "item_id": entry.id, "content_index": 0, "error": error}))
            effects += _spent(refusal)
        return effects + self.replies.go_on(now)

    def glimpsed(self, item_id: str, until_ms: int, text: str, seconds: float, now: float) -> list[Effect]:
        if self._settled(item_id, until_ms):
            return self.transcribed(item_id, text, seconds, now)
        if (turn := self._turn) is None or turn.item_id != item_id or turn.glimpse is None:
            return []
        turn.glimpse.text = text
        if (turns := self._ear.turns) is not None and turns.until_ms <= until_ms:
            turns.understood(text)
        return []

    def not_glimpsed(self, item_id: str, until_ms: int, refusal: Refusal, now: float) -> list[Effect]:
        if self._settled(item_id, until_ms):
            return self.not_transcribed(item_id, refusal, now)
        if self._turn is not None and self._turn.item_id == item_id:
            # it is not asked again in the same pause
            self._turn.glimpse = _Glimpse(until_ms, "", failed=True)
        return _spent(refusal)

    def unanswered(self, response_id: str, refusal: Refusal, now: float) -> list[Effect]:
        """The responder, or the voice, has failed."""
        return self.replies.unanswered(response_id, refusal, now) + _spent(refusal)

    def expire(self) -> list[Effect]:
        """It has lasted as long as one may."""
        told = Refusal("The session has reached its maximum length. Open another one.", code="session_expired")
        return [refused(told), Close(closing.NORMAL, "session_expired")]

    # turns

    def _begin_turn(self, event: Started, now: float) -> list[Effect]:
        detection = self.settings.audio.input.turn_detection
        doubtful = detection is not None and detection.type == "semantic_vad" and detection.interrupt_response and self.replies.audible(now)
        self._turn = _Turn(self._new_id("item"), event.audio_start_ms, told=not doubtful)
        self.replies.held = doubtful
        return [] if doubtful else self._tell_turn(self._turn, now)

    def _tell_turn(self, turn: _Turn, now: float) -> list[Effect]:
        turn.told, self.replies.held = True, False
        started = Send({"type": "input_audio_buffer.speech_started", "item_id": turn.item_id, "audio_start_ms": turn.begun_ms})
        detection = self.settings.audio.input.turn_detection
        interrupts = detection is not None and detection.interrupt_response
        return [started, *(self.replies.interrupt(turn.item_id, now) if interrupts else [])]

    def _weigh(self, turn: _Turn, now: float) -> list[Effect]:
        """Whether what is said over an answer is meant to end it. Until that is known nothing more of the answer is sent."""
        turns = self._ear.turns
        partial = (turn.glimpse and turn.glimpse.text) or ""
        if turns is None or not self.replies.audible(now) or interruption(turns.spoken_ms, partial) == "interrupt":
            return self._tell_turn(turn, now)
        return []

    def _end_turn(self, event: Stopped, now: float) -> list[Effect]:
        turn, self._turn = self._turn, None
        if turn is None:
            return []
        if not turn.told:
            # a cough, or an "uh-huh": the answer goes on
            self._ear.take()
            self.replies.held = False
            return self.replies.tick(now)
        stopped = Send({"type": "input_audio_buffer.speech_stopped", "item_id": turn.item_id, "audio_end_ms": event.audio_end_ms})
        return [stopped, *self._commit(turn, now), *self._answer_turn(turn.item_id, now)]

    def _drop_turn(self) -> None:
        """Whatever is being said is nobody's turn any more."""
        self._turn, self.replies.held = None, False

    def _time_out(self, event: TimedOut, now: float) -> list[Effect]:
        item_id = self._new_id("item")
        times = {"audio_start_ms": event.audio_start_ms, "audio_end_ms": event.audio_end_ms}
        told = Send({"type": "input_audio_buffer.timeout_triggered", "item_id": item_id, **times})
        self._ear.take()
        return [told, *self._add_said(item_id, b""), *self._answer_turn(item_id, now)]

    def _answer_turn(self, item_id: str, now: float) -> list[Effect]:
        detection = self.settings.audio.input.turn_detection
        answers = self.settings.type == "realtime" and detection is not None and detection.create_response
        return self.replies.ask(Asked(), now, turn=item_id) if answers and self.replies.active is None else []

    def _glance(self, turns: Turns) -> list[Effect]:
        """In a pause of a turn whose words say whether it is over: ask what they are, once for each pause."""
        turn, detection = self._turn, self.settings.audio.input.turn_detection
        if turn is None or detection is None or detection.type != "semantic_vad" or turns.pause_ms < GLIMPSE_MS:
            return []
        if turn.glimpse is not None and (turn.glimpse.text is None or turn.glimpse.until_ms >= turns.until_ms):
            return []
        turn.glimpse = _Glimpse(turns.now_ms)
        return [Transcribe(turn.item_id, self._ear.held(), "audio/pcm", self._hearing, turns.now_ms)]

    def _commit(self, turn: _Turn, now: float) -> list[Effect]:
        """The turn as an item. Where all of it was understood in its last pause it is not understood again."""
        pcm, glimpse, turns = self._ear.take(), turn.glimpse, self._ear.turns
        if glimpse is None or glimpse.failed or turns is None or glimpse.until_ms < turns.until_ms:
            return self._add_said(turn.item_id, pcm)
        *added, _transcribe = self._add_said(turn.item_id, pcm)
        if glimpse.text is None:
            self._settling[turn.item_id] = glimpse.until_ms
            return added
        return added + self.transcribed(turn.item_id, glimpse.text, duration_ms(pcm) / 1000, now)

    def _settled(self, item_id: str, until_ms: int) -> bool:
        """Whether a glimpse is what an item waits for; it does no longer."""
        if self._settling.get(item_id) != until_ms:
            return False
        del self._settling[item_id]
        return True

    def _add_said(self, item_id: str, pcm: bytes) -> list[Effect]:
        """A user's item of sound, which is to be understood; of none where there is nothing in it."""
        entry = Entry(item_id, "message", role="user", content=[{"type": "input_audio", "transcript": None}], awaited=bool(pcm))
        before = self.conversation.last
        committed = Send({"type": "input_audio_buffer.committed", "item_id": item_id, "previous_item_id": before})
        effects = [committed, *self._add(entry)]
        if pcm:
            effects.append(Transcribe(item_id, pcm, "audio/pcm", self._hearing))
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
    def _hearing(self) -> Transcription:
        return self.settings.audio.input.transcription or Transcription()

    @property
    def _tells_transcripts(self) -> bool:
        return self.settings.type == "transcription" or self.settings.audio.input.transcription is not None

    # the client's events, one by one

    def _update(self, event: dict[str, Any], now: float) -> list[Effect]:
        settings = self.settings.updated(event.get("session"))
        if self.replies.has_spoken and settings.audio.output.voice != self.settings.audio.output.voice:
            message = "The voice can't be changed once the session has spoken."
            raise Refusal(message, code="cannot_update_voice", param="session.audio.output.voice")
        before = self.settings.audio.input.turn_detection
        self.settings = self.replies.settings = settings
        if settings.audio.input.turn_detection != before:
            self._drop_turn()
            self._ear.obey(settings.audio.input.turn_detection)
        return [Send({"type": "session.updated", "session": self.shown()})]

    def _commit_buffer(self, event: dict[str, Any], now: float) -> list[Effect]:
        if self._ear.held_ms < SHORTEST_MS:
            message = f"The buffer has {self._ear.held_ms} ms of audio; at least {SHORTEST_MS} ms can be committed."
            raise Refusal(message, code="input_audio_buffer_commit_empty")
        item_id = self._turn.item_id if self._turn is not None else self._new_id("item")
        self._drop_turn()
        pcm = self._ear.take()
        self._ear.clear()
        return self._add_said(item_id, pcm)

    def _clear_buffer(self, event: dict[str, Any], now: float) -> list[Effect]:
        self._drop_turn()
        self._ear.clear()
        return [Send({"type": "input_audio_buffer.cleared"})]

    def _create_item(self, event: dict[str, Any], now: float) -> list[Effect]:
        entry = made(event.get("item"), self._new_id("item"))
        after = event.get("previous_item_id")
        if after is not None and not isinstance(after, str):
            raise Refusal("'previous_item_id' must be a string.", code="invalid_type", param="previous_item_id")
        sound = sound_of(event["item"])
        entry.awaited = bool(sound)
        form = self.settings.audio.input.format.type
        understanding = [Transcribe(entry.id, sound, form, self._hearing)] if sound else []
        return [*self._add(entry, after), *understanding]

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
        return [Send({"type": "conversation.item.deleted", "item_id": entry.id}), *self.replies.go_on(now)]

    def _create_response(self, event: dict[str, Any], now: float) -> list[Effect]:
        if self.settings.type == "transcription":
            raise Refusal("A transcription session gives no responses.", code="invalid_value", param="type")
        wanted = asked({} if event.get("response") is None else event["response"])
        if wanted.conversation == "auto" and (active := self.replies.active) is not None:
            message = f"Conversation already has an active response in progress: {active}. Wait until it is finished, or cancel it."
            raise Refusal(message, code="conversation_already_has_active_response")
        return self.replies.ask(wanted, now)

    def _cancel_response(self, event: dict[str, Any], now: float) -> list[Effect]:
        named = event.get("response_id")
        effects = self.replies.cancel(str(named) if named else None, now)
        if effects is None:
            raise Refusal("Cancellation failed: no active response found.", code="response_cancel_not_active")
        return effects

    def _clear_output(self, event: dict[str, Any], now: float) -> list[Effect]:
        raise InvalidEvent("The output audio buffer is the client's own here: only WebRTC has one at the server.", param="type")


def refused(refusal: Refusal, event_id: str | None = None) -> Send:
    """The `error` event of a refusal; `event_id` is of the client's event that caused it."""
    error = {"type": refusal.type, "code": refusal.code, "message": refusal.message, "param": refusal.param, "event_id": event_id}
    return Send({"type": "error", "error": error})


def _spent(refusal: Refusal) -> list[Effect]:
    """Who has used up his quota is told so, and has nothing more to do here."""
    return [refused(refusal), Close(closing.POLICY_VIOLATION, refusal.code)] if isinstance(refusal, InsufficientQuota) else []


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
