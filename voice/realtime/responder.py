"""What answers in a conversation: a class with one verb. What it is asked, and what it yields."""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any, Literal, Protocol

ID_BYTES = 12


@dataclass(frozen=True, slots=True)
class Call:
    """A tool that the assistant called."""

    call_id: str
    name: str
    arguments: str
    # JSON, as the model wrote it


@dataclass(frozen=True, slots=True)
class Message:
    """An entry of the conversation, as a language model reads it."""

    role: Literal["system", "user", "assistant", "tool"]
    text: str
    calls: tuple[Call, ...] = ()
    # of an assistant's
    call_id: str = ""
    # of a tool's answer: the call that it answers


@dataclass(frozen=True, slots=True)
class Prompt:
    instructions: str
    messages: tuple[Message, ...]
    # no longer than the endpoint takes: whoever asks cuts the history
    tools: tuple[dict[str, Any], ...] = ()
    # the Realtime protocol's flat functions: {"type": "function", "name", "description", "parameters"}
    tool_choice: str | dict[str, Any] = "auto"
    # or "none", "required", {"type": "function", "name"}
    parallel_tool_calls: bool = True
    max_tokens: int | None = None
    model: str = ""
    # what the session names; a responder may have its own
    user: str = ""
    # an opaque id of who talks, for the endpoint's logs


@dataclass(frozen=True, slots=True)
class Words:
    """The next of them, as they come; together they are the answer, blanks included."""

    text: str


@dataclass(frozen=True, slots=True)
class CallDelta:
    """The next part of a call."""

    index: int
    # from 0: which of the answer's calls
    call_id: str
    name: str
    # both whole from the first part on
    arguments: str
    # what is new of them


@dataclass(frozen=True, slots=True)
class Finish:
    reason: Literal["stop", "length", "calls", "filter"]
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    # of the input's; all 0 where the endpoint does not count


Delta = Words | CallDelta | Finish


class Responder(Protocol):
    """Used in one event loop, by many conversations at once."""

    def respond(self, prompt: Prompt) -> AsyncGenerator[Delta, None]:
        """The answer as it is made; Finish comes last, exactly once. Closing the generator ends the request at once.

        Raises ResponderRefused for a prompt that is not answered, and a ResponderFailure where there is no answer, or no more of it.
        """
        ...


def new_call_id() -> str:
    return f"call_{secrets.token_hex(ID_BYTES)}"
