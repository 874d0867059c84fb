"""The responses that are under way: one of the conversation, and others beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from config.errors import Refusal
from voice.realtime.answer import Answer, Manner
from voice.realtime.conversation import Conversation, Entry
from voice.realtime.effects import Effect, Generate, Send, Stop
from voice.realtime.figures import Figures
from voice.realtime.requests import Asked
from voice.realtime.responder import Finish, Message
from voice.realtime.settings import Settings
from voice.realtime.utterances import is_backchannel

MOST_ANSWERS = 4
# under way at a time


@dataclass(slots=True)
class _Pending:
    """A response that begins when all that was said is understood."""

    answer: Answer
    asked: Asked
    context: tuple[Message, ...] | None
    # none: the conversation's
    turn: str = ""
    # the item that it answers, where it was not asked for


class Replies:
    """What came of a response that is over already is told to nobody."""

    def __init__(
        self, settings: Settings, conversation: Conversation, *, new_id: Callable[[str], str], figures: Figures, user: str
    ) -> None:
        self.settings = settings
        # the session's, as they are now
        self.held = False
        # nothing of the conversation's own is sent: somebody speaks over it, of whom it is not known what he means
        self.has_spoken = False
        # whether the client has had audio
        self._conversation = conversation
        self._conversation_id = new_id("conv")
        self._new_id = new_id
        self._figures = figures
        self._user = user
        self._answers: dict[str, Answer] = {}
        self._main: Answer | None = None
        # of the conversation, the last one
        self._pending: dict[str, _Pending] = {}
        self._cut: tuple[str, str] | None = None
        # the turn that cut an answer off, and what of that answer was not heard

    @property
    def under_way(self) -> bool:
        return bool(self._answers)

    @property
    def active(self) -> str | None:
        """The id of the conversation's own, while it is under way."""
        return self._main.id if self._main is not None and not self._main.over else None

    def audible(self, now: float) -> bool:
        """Whether the assistant has the word, or is still heard."""
        return self._main is not None and (not self._main.over or self._main.playback.ahead(now) > 0)

    def ask(self, wanted: Asked, now: float, *, turn: str = "") -> list[Effect]:
        """Begin one. A Refusal for what it can't be given of, or when there are too many."""
        output = wanted.output(self.settings)
        aside = wanted.conversation == "none"
        if aside and len(self._answers) >= MOST_ANSWERS:
            raise Refusal(f"{MOST_ANSWERS} responses are under way, as many as may be.", code="too_many_responses")
        answer = Answer(
            self._new_id("resp"),
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
            new_id=self._new_id,
            place=_nowhere if aside else self._conversation.add,
        )
        context = wanted.context(self._conversation, self._new_id("item"))
        self._answers[answer.id] = answer
        if not aside:
            self._main = answer
        self._pending[answer.id] = _Pending(answer, wanted, context, turn)
        self._figures.responses += 1
        return [*answer.start(), *self.go_on(now)]

    def go_on(self, now: float) -> list[Effect]:
        """Begin the responses that have waited for something to be understood."""
        if self._conversation.awaits:
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
        turn = self._conversation.find(waiting.turn)
        if turn is not None and turn.words and not is_backchannel(turn.words):
            return []
        answer = waiting.answer
        return answer.words(cut[1]) + answer.answered(Finish("stop")) + self._release(answer, now)

    def _generate(self, waiting: _Pending) -> Generate:
        messages = self._conversation.messages() if waiting.context is None else waiting.context
        return Generate(waiting.answer.id, waiting.asked.prompt(self.settings, messages, self._user))

    def _cancel(self, answer: Answer, reason: str, now: float) -> list[Effect]:
        return self._after(answer, [Stop(answer.id), *answer.cancel(reason, now)])

    def _release(self, answer: Answer, now: float) -> list[Effect]:
        return self._after(answer, answer.release(now)) if self._sends(answer) else []

    def _after(self, answer: Answer, effects: list[Effect]) -> list[Effect]:
        """What is over is let go; whoever follows the conversation is told what is left of the limits."""
        self.has_spoken = self.has_spoken or answer.playback.sent_ms > 0
        if answer.over and answer.id in self._answers:
            del self._answers[answer.id]
            self._pending.pop(answer.id, None)
            self._figures.milliseconds_out += answer.playback.sent_ms
            effects.append(Send({"type": "rate_limits.updated", "rate_limits": []}))
        return effects

    def words(self, response_id: str, text: str) -> list[Effect]:
        answer = self._answers.get(response_id)
        return answer.words(text) if answer else []

    def call(self, response_id: str, index: int, call_id: str, name: str, arguments: str) -> list[Effect]:
        answer = self._answers.get(response_id)
        return answer.call(index, call_id, name, arguments) if answer else []

    def answered(self, response_id: str, finish: Finish, now: float) -> list[Effect]:
        if (answer := self._answers.get(response_id)) is None:
            return []
        self._figures.input_tokens += finish.input_tokens
        self._figures.output_tokens += finish.output_tokens
        return answer.answered(finish) + self._release(answer, now)

    def unanswered(self, response_id: str, refusal: Refusal, now: float) -> list[Effect]:
        """The responder, or the voice, has failed."""
        if (answer := self._answers.get(response_id)) is None:
            return []
        return self._after(answer, [*answer.fail(refusal, now), Stop(response_id)])

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

    def cancel(self, response_id: str | None, now: float) -> list[Effect] | None:
        """End the one of that id, or the conversation's own; none where there is nothing to end."""
        answer = self._answers.get(response_id) if response_id else self._main
        return None if answer is None or answer.over else self._cancel(answer, "client_cancelled", now)

    def interrupt(self, turn: str, now: float) -> list[Effect]:
        """Somebody has taken the word: the conversation's own ends where he heard it."""
        if self._main is None or self._main.over:
            return []
        self._figures.interruptions += 1
        effects = self._cancel(self._main, "turn_detected", now)
        self._cut = (turn, self._main.remainder) if self._main.remainder else None
        return effects

    @property
    def _language(self) -> str:
        """What is spoken here, as far as the client has said."""
        heard = self.settings.audio.input.transcription
        return (heard and heard.language) or "en"

    def _sends(self, answer: Answer) -> bool:
        return answer is not self._main or not self.held


def _nowhere(_entry: Entry) -> None:
    """The place of an item that is not part of the conversation."""
