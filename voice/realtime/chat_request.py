"""A prompt in the words of OpenAI's `POST /chat/completions`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from voice.realtime.responder import Message, Prompt

Body = dict[str, Any]

OPTIONAL = ("stream_options", "parallel_tool_calls", "user")
# what not every server takes, and the answer does not depend on


def body_of(prompt: Prompt, model: str) -> Body:
    body: Body = {"model": model, "messages": _messages(prompt), "stream": True, "stream_options": {"include_usage": True}}
    if prompt.max_tokens is not None:
        body["max_tokens"] = prompt.max_tokens
    if prompt.tools:
        body["tools"] = [_tool(tool) for tool in prompt.tools]
        if prompt.tool_choice != "auto":
            body["tool_choice"] = _choice(prompt.tool_choice)
        if not prompt.parallel_tool_calls:
            body["parallel_tool_calls"] = False
    if prompt.user:
        body["user"] = prompt.user
    return body


def without_objected(body: Body, objection: str) -> Body | None:
    """The body without the field that a server says it doesn't take; None where that is none of those that can be done without."""
    if "max_tokens" in body and "max_completion_tokens" in objection:
        renamed = {name: value for name, value in body.items() if name != "max_tokens"}
        return {**renamed, "max_completion_tokens": body["max_tokens"]}
    for name in OPTIONAL:
        if name in body and re.search(rf"['\"`.]{name}\b", objection):
            return {field: value for field, value in body.items() if field != name}
    return None


def _messages(prompt: Prompt) -> list[Body]:
    """The instructions first, and behind each call its answer.

    In a conversation that is spoken, an answer may come late or never, and what was cut off the history may have held the call; a
    chat endpoint refuses both. So what has no counterpart is left out.
    """
    answers = {message.call_id: message.text for message in prompt.messages if message.role == "tool"}
    told: list[Body] = [{"role": "system", "content": prompt.instructions}] if prompt.instructions else []
    spoken = (message for message in prompt.messages if message.role != "tool")
    for by_assistant, messages in groupby(spoken, lambda message: message.role == "assistant"):
        if by_assistant:
            told += _turn(tuple(messages), answers)
        else:
            told += [{"role": message.role, "content": message.text} for message in messages]
    return told


def _turn(messages: Sequence[Message], answers: dict[str, str]) -> list[Body]:
    """What the assistant said and did until somebody else spoke: one message, for calls side by side must stand in one; the answers."""
    text = "\n".join(message.text for message in messages if message.text)
    calls = [call for message in messages for call in message.calls if call.call_id in answers]
    if not calls:
        return [{"role": "assistant", "content": text}] if text else []
    made = [{"id": call.call_id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}} for call in calls]
    answered = [{"role": "tool", "tool_call_id": call.call_id, "content": answers[call.call_id]} for call in calls]
    return [{"role": "assistant", "content": text or None, "tool_calls": made}, *answered]


def _tool(flat: Body) -> Body:
    return {"type": "function", "function": {name: value for name, value in flat.items() if name != "type"}}


def _choice(flat: str | Body) -> str | Body:
    return flat if isinstance(flat, str) else {"type": "function", "function": {"name": flat["name"]}}
