"""The chunks of a chat completion, read: words, parts of calls, and how it ended. Only what is needed of them is looked at."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from voice.realtime.responder import CallDelta, Finish, Words, new_call_id

Reason = Literal["stop", "length", "calls", "filter"]

REASONS: dict[str, Reason] = {"length": "length", "tool_calls": "calls", "function_call": "calls", "content_filter": "filter"}
# whatever else a server says is a plain end


class _Read(BaseModel):
    model_config = ConfigDict(frozen=True)


class _Function(_Read):
    name: str | None = None
    arguments: str | None = None


class _ToolCall(_Read):
    index: int | None = None
    id: str | None = None
    function: _Function = _Function()


class _Delta(_Read):
    content: str | None = None
    refusal: str | None = None
    tool_calls: tuple[_ToolCall, ...] | None = None


class _Choice(_Read):
    delta: _Delta = _Delta()
    finish_reason: str | None = None


class _Details(_Read):
    cached_tokens: int | None = None


class _Usage(_Read):
    prompt_tokens: int = 0
    completion_tokens: int = 0
    prompt_tokens_details: _Details | None = None


class _Chunk(_Read):
    choices: tuple[_Choice, ...] = ()
    usage: _Usage | None = None


class Reading:
    def __init__(self) -> None:
        self.ended = False
        # the model's part: its usage may still come
        self._reason = ""
        self._usage = _Usage()
        self._calls: list[tuple[str, str]] = []
        # id and name
        self._places: dict[int | None, int] = {}
        # of a call there, by the server's index

    def read(self, data: object) -> list[Words | CallDelta]:
        """What a chunk brings. Raises ValueError for one that is none."""
        chunk = _Chunk.model_validate(data)
        if chunk.usage:
            self._usage = chunk.usage
        found: list[Words | CallDelta] = []
        for choice in chunk.choices[:1]:
            found += [Words(text) for text in (choice.delta.content, choice.delta.refusal) if text]
            found += [part for call in choice.delta.tool_calls or () if (part := self._part(call))]
            if choice.finish_reason:
                self.ended = True
                self._reason = choice.finish_reason
        return found

    def finish(self) -> Finish:
        reason = REASONS.get(self._reason, "stop")
        if reason in ("stop", "calls"):
            reason = "calls" if self._calls else "stop"
            # some say "stop" behind calls
        details = self._usage.prompt_tokens_details
        return Finish(
            reason,
            input_tokens=self._usage.prompt_tokens,
            output_tokens=self._usage.completion_tokens,
            cached_tokens=(details.cached_tokens or 0) if details else 0,
        )

    def _part(self, call: _ToolCall) -> CallDelta | None:
        """None for a part with nothing new. Some servers give every call the same index, others every part another id."""
        arguments = call.function.arguments or ""
        place = self._places.get(call.index)
        if place is None or (call.function.name and call.id and call.id != self._calls[place][0]):
            if not call.function.name:
                raise ValueError("a call without a name")
            place = self._places[call.index] = len(self._calls)
            self._calls.append((call.id or new_call_id(), call.function.name))
        elif not arguments:
            return None
        return CallDelta(place, *self._calls[place], arguments)
