"""What comes of a language model that does its part, as it comes."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from typing import Any

import pytest

from tests.jobs.receivers import Receiver
from tests.voice.engines.remote.speakers import error, silent
from tests.voice.realtime.models import HELLO, answer, asked_of, chat_at, chunk, said, streamed, until_asked, usage, words
from tests.waiting import TIMEOUT_S
from voice.realtime.chat_chunks import Reading
from voice.realtime.chat_request import body_of
from voice.realtime.echo import Echo
from voice.realtime.responder import Call, CallDelta, Finish, Message, Prompt, Words
from voice.realtime.responders import responder

LOOK = {"type": "function", "name": "look", "description": "Looks.", "parameters": {"type": "object", "properties": {}}}


def calls(*parts: dict[str, Any]) -> list[Any]:
    return [*[chunk(tool_calls=[part]) for part in parts], chunk("tool_calls"), "[DONE]"]


def part(index: int | None, call_id: str | None, name: str | None, arguments: str | None) -> dict[str, Any]:
    return {"index": index, "id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


async def test_words_come_as_the_model_writes_them_and_their_cost_at_the_end():
    *told, end = words("Good", " morning", ", Ann!")

    with Receiver(streamed(*told, usage(12, 3, cached=8), end)) as server:
        deltas = await answer(chat_at(server))

    assert deltas == [Words("Good"), Words(" morning"), Words(", Ann!"), Finish("stop", 12, 3, 8)]


async def test_the_first_word_is_here_before_the_model_has_ended():
    heard = threading.Event()
    with Receiver(streamed(*words("first", "second")[1:], between=lambda: heard.wait(TIMEOUT_S))) as server:
        deltas = chat_at(server).respond(HELLO)
        first = await anext(deltas)
        heard.set()
        rest = [delta async for delta in deltas]

    assert first == Words("first")
    assert said(rest) == "second"


async def test_it_asks_as_an_openai_client_does():
    prompt = Prompt(
        "be kind", (Message("user", "hello"),), (LOOK,), {"type": "function", "name": "look"},
        parallel_tool_calls=False, max_tokens=50, model="gpt-realtime", user="u-1",
    )  # fmt: skip
    with Receiver(streamed(*words("hi"))) as server:
        await answer(chat_at(server, keys=("sk-one",)), prompt)

    assert server.sent[0].path == "/v1/chat/completions"
    assert server.sent[0].headers["authorization"] == "Bearer sk-one"
    assert asked_of(server) == [
        {
            "model": "parrot",
            "messages": [{"role": "system", "content": "be kind"}, {"role": "user", "content": "hello"}],
            "stream": True,
            "stream_options": {"include_usage": True},
            "max_tokens": 50,
            "tools": [{"type": "function", "function": {name: value for name, value in LOOK.items() if name != "type"}}],
            "tool_choice": {"type": "function", "function": {"name": "look"}},
            "parallel_tool_calls": False,
            "user": "u-1",
        }
    ]


async def test_without_keys_none_is_sent_whatever_the_environment_has(monkeypatch):
    for name in ("OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.setenv(name, "sk-someone-elses")

    with Receiver(streamed(*words("hi"))) as server:
        await answer(chat_at(server))

    assert "someone-elses" not in str(server.sent[0].headers)
    assert "authorization" not in server.sent[0].headers


async def test_a_call_comes_in_parts_with_its_name_on_each():
    fragments = [part(0, "call_7", "look", ""), part(0, None, None, '{"at":'), part(0, None, None, ' "sky"}')]

    with Receiver(streamed(chunk(content="Let me see."), *calls(*fragments))) as server:
        deltas = await answer(chat_at(server))

    assert deltas[:-1] == [
        Words("Let me see."),
        CallDelta(0, "call_7", "look", ""),
        CallDelta(0, "call_7", "look", '{"at":'),
        CallDelta(0, "call_7", "look", ' "sky"}'),
    ]
    assert deltas[-1] == Finish("calls")


@pytest.mark.parametrize(
    "parts",
    [
        [part(0, "a", "look", "{"), part(0, None, None, "}"), part(1, "b", "listen", "{}")],
        [part(0, "a", "look", "{}"), part(0, "b", "listen", "{}")],  # one index for all
        [part(0, "a", "look", "{"), part(0, "x", None, "}"), part(1, "b", "listen", "{}")],  # another id with every part
        [part(None, "a", "look", "{}"), part(None, "b", "listen", "{}")],
    ],
)
def test_calls_side_by_side_are_told_apart_however_a_server_counts(parts: list[dict[str, Any]]):
    reading = Reading()

    found = [delta for call in parts for delta in reading.read(chunk(tool_calls=[call]))]

    arguments = {0: "", 1: ""}
    for delta in found:
        assert isinstance(delta, CallDelta)
        assert (delta.call_id, delta.name) == [("a", "look"), ("b", "listen")][delta.index]
        arguments[delta.index] += delta.arguments
    assert arguments == {0: "{}", 1: "{}"}


@pytest.mark.parametrize(
    ("told", "meant"), [("stop", "stop"), ("length", "length"), ("content_filter", "filter"), ("tool_calls", "stop"), ("eos", "stop")]
)
def test_how_it_ended_is_told(told: str, meant: str):
    reading = Reading()
    reading.read(chunk(told, content="a word"))

    assert (reading.ended, reading.finish().reason) == (True, meant)


def test_calls_that_end_with_a_plain_stop_are_calls():
    reading = Reading()
    reading.read(chunk("stop", tool_calls=[part(0, None, "look", "{}")]))

    assert reading.finish().reason == "calls"


def test_behind_each_call_is_its_answer_and_what_has_none_is_left_out():
    first, second, unanswered = Call("a", "look", "{}"), Call("b", "listen", "{}"), Call("c", "feel", "{}")
    messages = (
        Message("tool", "of a call that is forgotten", call_id="z"),
        Message("user", "what is there?"),
        Message("assistant", "One moment."),
        Message("assistant", "", (first,)),
        Message("assistant", "", (second, unanswered)),
        Message("tool", "a bird", call_id="b"),
        Message("user", "hurry"),
        Message("tool", "a tree", call_id="a"),
        Message("assistant", "", (unanswered,)),
        Message("system", "whisper"),
    )

    told = body_of(Prompt("", messages), "parrot")["messages"]

    made = [{"id": i, "type": "function", "function": {"name": name, "arguments": "{}"}} for i, name in [("a", "look"), ("b", "listen")]]
    assert told == [
        {"role": "user", "content": "what is there?"},
        {"role": "assistant", "content": "One moment.", "tool_calls": made},
        {"role": "tool", "tool_call_id": "a", "content": "a tree"},
        {"role": "tool", "tool_call_id": "b", "content": "a bird"},
        {"role": "user", "content": "hurry"},
        {"role": "system", "content": "whisper"},
    ]


@pytest.mark.parametrize(
    "objection",
    [
        error(400, message="Unrecognized request argument supplied: 'stream_options'", param="stream_options"),
        error(422, message="[{'type': 'extra_forbidden', 'loc': ('body', 'stream_options'), 'msg': 'Extra inputs are not permitted'}]"),
    ],
)
async def test_a_server_that_does_not_count_tokens_is_asked_without(objection: Any):
    with Receiver(objection, streamed(*words("hi"))) as server:
        deltas = await answer(chat_at(server))

    assert deltas == [Words("hi"), Finish("stop")]
    assert ["stream_options" in asked for asked in asked_of(server)] == [True, False]


async def test_a_model_that_has_another_name_for_its_limit_is_asked_by_that():
    message = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."

    with Receiver(error(400, message=message, param="max_tokens"), streamed(*words("hi"))) as server:
        await answer(chat_at(server), Prompt("", (Message("user", "hello"),), max_tokens=9))

    assert asked_of(server)[1]["max_completion_tokens"] == 9
    assert "max_tokens" not in asked_of(server)[1]


async def test_closing_it_closes_the_connection_at_once():
    left = threading.Event()

    def endless(handler) -> None:
        try:
            streamed(*[chunk(content="la ")] * 100_000, between=lambda: left.wait(0.005))(handler)
        except OSError:
            left.set()

    with Receiver(endless) as server:
        deltas = chat_at(server).respond(HELLO)
        await anext(deltas)

        await deltas.aclose()

        assert await asyncio.to_thread(left.wait, TIMEOUT_S)


async def test_leaving_it_before_the_first_word_does_too():
    left = threading.Event()
    with Receiver(silent(left)) as server:
        task = asyncio.create_task(answer(chat_at(server)))
        await until_asked(server)

        task.cancel()

        assert await asyncio.to_thread(left.wait, TIMEOUT_S)


def test_who_answers_is_the_operators_choice(settings):
    responder.cache_clear()
    assert isinstance(responder(), Echo)
    assert responder() is responder()
    responder.cache_clear()


def test_the_library_is_not_imported_where_nobody_asks_it():
    program = "import sys; import voice.realtime.chat, voice.realtime.echo; sys.exit('openai' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
