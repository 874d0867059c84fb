"""A response of the assistant's, from its first event to its last: text, speech and calls, every part begun and ended once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from config.errors import Refusal
from voice.realtime.conversation import Entry
from voice.realtime.effects import Effect, Send, Sound, Speak
from voice.realtime.pieces import Pieces
from voice.realtime.playback import BYTES_A_MS, Playback
from voice.realtime.responder import Finish
from voice.realtime.settings import Format, Tokens

AHEAD = 5.0
# seconds of sound that a client is sent before it can have been heard: enough for a bad network, and little to throw away
BLOCK_MS = 200
# of sound in one event
SPEAK_AHEAD = 2
# pieces that are being spoken at a time: the next one is ready when one ends
AUDIO_TOKENS_A_SECOND = 20
# what OpenAI's speech models make of a second
STATUS_OF = {"length": ("incomplete", "max_output_tokens"), "filter": ("incomplete", "content_filter")}


@dataclass(frozen=True, slots=True)
class Manner:
    """How a response is given: the session's settings, with what was asked for this one."""

    audio: bool
    voice: str
    speed: float
    format: Format
    max_output_tokens: Tokens
    metadata: dict[str, str] | None = None
    conversation_id: str | None = None
    # none: it is not part of the conversation
    language: str = "en"
    # BCP 47: how its sentences are told apart


class Answer:
    """Made when it is asked for; over when `over` is true, after which it says nothing more.

    `place` is told of each item as it begins, and answers with the id of the one before it.
    """

    def __init__(self, response_id: str, manner: Manner, *, new_id: Callable[[str], str], place: Callable[[Entry], str | None]) -> None:
        self.id = response_id
        self.manner = manner
        self.over = False
        self.playback = Playback()
        self.remainder = ""
        # of an answer that was cut off: what nobody has heard of it
        self._new_id = new_id
        self._place = place
        self._output: list[Entry] = []
        self._before: dict[str, str | None] = {}
        self._message: Entry | None = None
        self._calls: dict[int, Entry] = {}
        self._pieces = Pieces(manner.language)
        self._waiting: list[str] = []
        # pieces that nobody has begun to speak
        self._texts: list[str] = []
        # every piece that was given out, by its number
        self._made: dict[int, bytearray] = {}
        self._whole: set[int] = set()
        self._current = 0
        # the piece that is being sent
        self._begun = False
        self._finish: Finish | None = None
        self._text = ""
        # all that was said
        self._status = "in_progress"
        self._details: dict[str, Any] | None = None

    def start(self) -> list[Effect]:
        return [Send({"type": "response.created", "response": self.shown()})]

    def words(self, text: str) -> list[Effect]:
        """The next words of it."""
        effects = self._opened()
        if not self.manner.audio:
            self._text += text
            return [*effects, self._delta("response.output_text.delta", text)]
        self._waiting += self._pieces.push(text)
        return effects + self._speak()

    def call(self, index: int, call_id: str, name: str, arguments: str) -> list[Effect]:
        """The next part of a function call."""
        effects: list[Effect] = []
        entry = self._calls.get(index)
        if entry is None:
            entry = Entry(self._new_id("item"), "function_call", call_id=call_id or self._new_id("call"), name=name, status="in_progress")
            self._calls[index] = entry
            effects += self._added(entry)
        if arguments:
            entry.text += arguments
            fields = {"call_id": entry.call_id, "delta": arguments}
            effects.append(Send(self._event("response.function_call_arguments.delta", entry) | fields))
        return effects

    def answered(self, finish: Finish) -> list[Effect]:
        """Nothing more will be written; it is over once all of it was sent."""
        self._finish = finish
        if self.manner.audio:
            self._waiting += self._pieces.flush()
        return self._speak()

    def spoken(self, piece: int, pcm: bytes) -> None:
        """More of a piece's sound, which `release` sends in its turn."""
        self._made.setdefault(piece, bytearray()).extend(pcm)

    def piece_spoken(self, piece: int) -> None:
        self._whole.add(piece)

    def release(self, now: float) -> list[Effect]:
        """Send what may be sent by now, and end what is all sent."""
        effects: list[Effect] = []
        while not self.over and self._current < len(self._texts):
            made = self._made.get(self._current, bytearray())
            last = self._current in self._whole
            if made and self.playback.ahead(now) < AHEAD:
                effects += self._sent(made, now)
            elif made or not last:
                return effects
            else:
                effects += self._next_piece()
        if self._finish is not None and not self._waiting and not self.over:
            status, reason = STATUS_OF.get(self._finish.reason, ("completed", ""))
            effects += self._end(status, {"type": status, "reason": reason} if reason else None, self._text)
        return effects

    def next_release(self, now: float) -> float | None:
        """When there will be something to send again, if nothing happens before."""
        waits = bool(self._made.get(self._current)) and not self.over
        return now + max(0.0, self.playback.ahead(now) - AHEAD) if waits else None

    def cancel(self, reason: str, now: float) -> list[Effect]:
        """End it where it is: what was not heard was not said."""
        heard = self._heard(now)
        unsaid = [*self._texts[self._current + self._begun :], *self._waiting, *self._pieces.flush()]
        self.remainder = (self._text + "".join(unsaid)).strip().removeprefix(heard).strip()
        return self._end("cancelled", {"type": "cancelled", "reason": reason}, heard)

    def fail(self, refusal: Refusal, now: float) -> list[Effect]:
        error = {"type": refusal.type, "code": refusal.code, "message": refusal.message}
        return self._end("failed", {"type": "failed", "error": error}, self._heard(now))

    def shown(self) -> dict[str, Any]:
        manner = self.manner
        told: dict[str, Any] = {
            "object": "realtime.response",
            "id": self.id,
            "status": self._status,
            "status_details": self._details,
            "output": [entry.shown() for entry in self._output],
            "conversation_id": manner.conversation_id,
            "output_modalities": ["audio"] if manner.audio else ["text"],
            "max_output_tokens": manner.max_output_tokens,
            "audio": {"output": {"format": manner.format.shown(), "voice": manner.voice}},
            "usage": self._usage() if self.over else None,
            "metadata": manner.metadata,
        }
        return told

    def _heard(self, now: float) -> str:
        """The words that the client can have had by now."""
        return self.playback.text_until(self.playback.heard_ms(now)) if self.manner.audio else self._text

    def _opened(self) -> list[Effect]:
        """The message that it says, begun with its first words."""
        if self._message is not None:
            return []
        self._message = Entry(self._new_id("item"), "message", role="assistant", status="in_progress", playback=self.playback)
        effects = self._added(self._message)
        part = {"type": "audio", "transcript": ""} if self.manner.audio else {"type": "text", "text": ""}
        return [*effects, Send(self._event("response.content_part.added", self._message, content=True) | {"part": part})]

    def _added(self, entry: Entry) -> list[Effect]:
        self._output.append(entry)
        before = self._place(entry)
        self._before[entry.id] = before
        item = entry.shown()
        effects: list[Effect] = [Send(self._event("response.output_item.added", entry, named=False) | {"item": item})]
        if self.manner.conversation_id is not None:
            effects.append(Send({"type": "conversation.item.added", "previous_item_id": before, "item": item}))
        return effects

    def _speak(self) -> list[Effect]:
        """Give out as many pieces as may be spoken at a time."""
        effects: list[Effect] = []
        while self._waiting and len(self._texts) - len(self._whole) < SPEAK_AHEAD:
            text = self._waiting.pop(0)
            number = len(self._texts)
            self._texts.append(text)
            if text.strip():
                effects.append(Speak(self.id, number, text, self.manner.voice, self.manner.speed))
            else:
                self._whole.add(number)
        return effects

    def _sent(self, made: bytearray, now: float) -> list[Effect]:
        effects = self._began()
        block = bytes(made[: BLOCK_MS * BYTES_A_MS])
        del made[: len(block)]
        self.playback.send(block, now, held=len(made))
        if self._message is not None:
            effects.append(Sound(self._event("response.output_audio.delta", self._message, content=True), block, self.manner.format.type))
        return effects

    def _began(self) -> list[Effect]:
        """The words of the current piece, told before its first sound."""
        if self._begun:
            return []
        self._begun = True
        text = self._texts[self._current]
        self._text += text
        self.playback.begin(text)
        return [self._delta("response.output_audio_transcript.delta", text)]

    def _next_piece(self) -> list[Effect]:
        effects = self._began()
        self.playback.end()
        self._made.pop(self._current, None)
        self._current += 1
        self._begun = False
        return effects + self._speak()

    def _end(self, status: str, details: dict[str, Any] | None, said: str) -> list[Effect]:
        self.over, self._status, self._details = True, status, details
        whole = "completed" if status == "completed" else "incomplete"
        effects: list[Effect] = []
        for entry in self._output:
            entry.status = whole
            effects += self._said(entry, said) if entry is self._message else self._called(entry)
            effects.append(Send(self._event("response.output_item.done", entry, named=False) | {"item": entry.shown()}))
            if self.manner.conversation_id is not None:
                effects.append(Send({"type": "conversation.item.done", "previous_item_id": self._before[entry.id], "item": entry.shown()}))
        return [*effects, Send({"type": "response.done", "response": self.shown()})]

    def _said(self, entry: Entry, said: str) -> list[Effect]:
        """The ends of a message's one part."""
        if not self.manner.audio:
            entry.content = [{"type": "output_text", "text": said}]
            done = [self._event("response.output_text.done", entry, content=True) | {"text": said}]
            part = {"type": "text", "text": said}
        else:
            entry.content = [{"type": "output_audio", "transcript": said}]
            done = [
                self._event("response.output_audio.done", entry, content=True),
                self._event("response.output_audio_transcript.done", entry, content=True) | {"transcript": said},
            ]
            part = {"type": "audio", "transcript": said}
        done.append(self._event("response.content_part.done", entry, content=True) | {"part": part})
        return [Send(event) for event in done]

    def _called(self, entry: Entry) -> list[Effect]:
        fields = {"call_id": entry.call_id, "name": entry.name, "arguments": entry.text}
        return [Send(self._event("response.function_call_arguments.done", entry) | fields)]

    def _delta(self, kind: str, text: str) -> Send:
        if self._message is None:
            raise RuntimeError("nothing is said before the message is begun")
        return Send(self._event(kind, self._message, content=True) | {"delta": text})

    def _event(self, kind: str, entry: Entry, *, content: bool = False, named: bool = True) -> dict[str, Any]:
        told: dict[str, Any] = {"type": kind, "response_id": self.id, "output_index": self._output.index(entry)}
        if named:
            told["item_id"] = entry.id
        return told | ({"content_index": 0} if content else {})

    def _usage(self) -> dict[str, Any]:
        finish = self._finish or Finish("stop")
        audio = round(self.playback.sent_ms / 1000 * AUDIO_TOKENS_A_SECOND)
        return {
            "total_tokens": finish.input_tokens + finish.output_tokens + audio,
            "input_tokens": finish.input_tokens,
            "output_tokens": finish.output_tokens + audio,
            "input_token_details": {"text_tokens": finish.input_tokens, "audio_tokens": 0, "cached_tokens": finish.cached_tokens},
            "output_token_details": {"text_tokens": finish.output_tokens, "audio_tokens": audio},
        }
