"""Says back what was said: the embedded default, with which every client can be tried and no model is needed."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator

from voice.realtime.responder import CallDelta, Delta, Finish, Prompt, Words, new_call_id

NOTHING_HEARD = "I did not hear anything."

_WORD = re.compile(r"\s*\S+\s*")


class Echo:
    """Word by word; a word is a token.

    So that tools can be tried as well: where the session's `tool_choice` is "required" or names a function, that function (else the
    first) is called with the arguments {"text": what was said}. What a tool answered is then said back like anything else.
    """

    async def respond(self, prompt: Prompt) -> AsyncGenerator[Delta, None]:
        said = next((message for message in reversed(prompt.messages) if message.role in ("user", "tool")), None)
        text = said.text if said else ""
        name = None if said and said.role == "tool" else _function(prompt)
        if name is not None:
            yield CallDelta(0, new_call_id(), name, json.dumps({"text": text}, ensure_ascii=False))
            yield Finish("calls")
            return
        words: list[str] = _WORD.findall(text) or _WORD.findall(NOTHING_HEARD)
        told = words[: prompt.max_tokens]
        for word in told:
            await asyncio.sleep(0)
            # others have their turn, as they have with a model
            yield Words(word)
        yield Finish("stop" if len(told) == len(words) else "length", input_tokens=len(words), output_tokens=len(told))


def _function(prompt: Prompt) -> str | None:
    """The one to call; None for none."""
    names = [tool["name"] for tool in prompt.tools if tool["type"] == "function"]
    match prompt.tool_choice:
        case "required":
            return names[0] if names else None
        case {"type": "function", "name": str(name)} if name in names:
            return name
        case _:
            return None
