from __future__ import annotations

import json
from typing import Any

import pytest

from voice.realtime.echo import NOTHING_HEARD, Echo
from voice.realtime.responder import Call, CallDelta, Delta, Finish, Message, Prompt, Words

TOOLS = tuple({"type": "function", "name": name, "parameters": {"type": "object"}} for name in ("look", "listen"))


async def answer(*messages: Message, **fields: Any) -> list[Delta]:
    return [delta async for delta in Echo().respond(Prompt("be kind", messages, **fields))]


def said(deltas: list[Delta]) -> str:
    return "".join(delta.text for delta in deltas if isinstance(delta, Words))


async def test_it_says_the_last_words_back_one_by_one():
    deltas = await answer(Message("user", "hello"), Message("assistant", "hello"), Message("user", " how are\nyou? "))

    assert said(deltas) == " how are\nyou? "
    assert len(deltas) == 4
    assert deltas[-1] == Finish("stop", input_tokens=3, output_tokens=3)


@pytest.mark.parametrize("messages", [(), (Message("user", " \n"),), (Message("system", "be brief"),)])
async def test_where_nothing_was_said_it_says_so(messages: tuple[Message, ...]):
    assert said(await answer(*messages)) == NOTHING_HEARD


@pytest.mark.parametrize(
    ("choice", "called"), [("required", "look"), ({"type": "function", "name": "listen"}, "listen"), ("auto", None), ("none", None)]
)
async def test_it_calls_a_function_where_the_session_demands_it(choice: Any, called: str | None):
    deltas = await answer(Message("user", "is it „cold“?"), tools=TOOLS, tool_choice=choice)

    calls = [delta for delta in deltas if isinstance(delta, CallDelta)]
    assert [call.name for call in calls] == [called] * bool(called)
    assert [json.loads(call.arguments) for call in calls] == [{"text": "is it „cold“?"}] * bool(called)
    assert isinstance(deltas[-1], Finish)
    assert deltas[-1].reason == ("calls" if called else "stop")


async def test_what_a_tool_answered_is_said_and_no_reason_to_call_it_again():
    call = Call("call_1", "look", "{}")

    deltas = await answer(
        Message("user", "look"), Message("assistant", "", (call,)), Message("tool", "a tree", call_id="call_1"),
        tools=TOOLS, tool_choice="required",
    )  # fmt: skip

    assert said(deltas) == "a tree"


async def test_it_stops_where_the_answer_is_as_long_as_wanted():
    deltas = await answer(Message("user", "one two three"), max_tokens=2)

    assert said(deltas) == "one two "
    assert deltas[-1] == Finish("length", input_tokens=3, output_tokens=2)
