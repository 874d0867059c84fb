"""Language models that are away, slow, rate-limiting and lying."""

from __future__ import annotations

import asyncio
import threading
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from tests.jobs.receivers import Behaviour, Receiver
from tests.servers import free_port
from tests.voice.engines.remote.speakers import body, error, silent
from tests.voice.realtime.models import HELLO, answer, asked_of, chat_at, chunk, said, streamed, until_asked, words
from tests.waiting import TIMEOUT_S
from voice.realtime.chat import Chat
from voice.realtime.responder import Finish, Words
from voice.realtime.responder_errors import (
    ResponderBroken,
    ResponderBusy,
    ResponderFailure,
    ResponderInvalidResponse,
    ResponderMisconfigured,
    ResponderQuotaExhausted,
    ResponderRefused,
    ResponderTimeout,
    ResponderUnavailable,
)

SORRY = "I can't answer at the moment."
TWO_KEYS = ("sk-first", "sk-second")


def keys_of(server: Receiver) -> list[str]:
    return [asked.headers["authorization"].removeprefix("Bearer sk-") for asked in server.sent]


async def failure(chat: Chat) -> tuple[str, ResponderFailure]:
    """What it said, and how it failed."""
    heard = []
    try:
        async for delta in chat.respond(HELLO):
            heard.append(delta)
    except ResponderFailure as failed:
        return said(heard), failed
    pytest.fail(f"it did not fail: {heard}")


@pytest.mark.parametrize("objection", [error(429, Retry_After="60"), error(401), error(402), error(429, code="insufficient_quota")])
async def test_a_key_that_is_refused_or_used_too_often_rests_and_the_next_is_tried_at_once(objection: Behaviour):
    with Receiver(objection, streamed(*words("hi"))) as server:
        chat = chat_at(server, keys=TWO_KEYS)

        assert [said(await answer(chat)) for _ in range(3)] == ["hi"] * 3

    assert keys_of(server) == ["first", "second", "second", "second"]


@pytest.mark.parametrize(
    ("objection", "kind"),
    [
        (error(429, Retry_After="60"), ResponderBusy),
        (error(429, code="insufficient_quota"), ResponderQuotaExhausted),
        (error(401, message="Incorrect API key provided: sk-first"), ResponderMisconfigured),
        (error(404, message="no such model"), ResponderMisconfigured),
        (error(503), ResponderUnavailable),
        (body(b"<html>sk-first</html>", kind="text/html"), ResponderInvalidResponse),
        (body(b'{"choices": []}', kind="application/json"), ResponderInvalidResponse),
        (streamed("<html>"), ResponderInvalidResponse),
        (streamed({"choices": "none"}), ResponderInvalidResponse),
        (streamed({"error": {"message": "sk-first is overloaded", "code": 500}}), ResponderUnavailable),
        (streamed("[DONE]"), ResponderInvalidResponse),
    ],
)
async def test_what_it_fails_with_is_told_without_its_words(objection: Behaviour, kind: type[ResponderFailure]):
    with Receiver(objection) as server:
        heard, failed = await failure(chat_at(server, keys=("sk-first",)))

    assert type(failed) is kind
    assert heard == ""
    assert "sk-first" not in failed.message
    assert failed.code.startswith("responder_")
    assert failed.status in (502, 503)


async def test_one_that_talks_nonsense_is_not_listened_to_any_longer():
    left = threading.Event()

    def talking(handler: BaseHTTPRequestHandler) -> None:
        streamed({"choices": "none"}, whole=False)(handler)
        silent(left)(handler)

    with Receiver(talking) as server:
        await failure(chat_at(server))

        assert await asyncio.to_thread(left.wait, TIMEOUT_S)


async def test_a_model_that_is_broken_for_a_moment_is_asked_again():
    with Receiver(500, error(429, Retry_After="1"), streamed(*words("hi", " there"))) as server:
        assert said(await answer(chat_at(server))) == "hi there"

    assert len(server.sent) == 3


async def test_where_nothing_listens_the_fallback_is_said():
    deltas = await answer(chat_at(free_port(), fallback=SORRY))

    assert deltas == [Words(SORRY), Finish("stop")]


async def test_a_model_that_says_nothing_in_time_is_left():
    left = threading.Event()
    with Receiver(silent(left)) as server:
        _, failed = await failure(chat_at(server, first_within=0.3))

        assert isinstance(failed, ResponderTimeout)
        assert await asyncio.to_thread(left.wait, TIMEOUT_S)
        assert len(server.sent) == 1


async def test_signs_of_life_are_no_words():
    with Receiver(streamed(*[chunk(content="")] * 100_000, between=lambda: server.over.wait(0.01))) as server:
        _, failed = await failure(chat_at(server, first_within=0.3))

    assert isinstance(failed, ResponderTimeout)


@pytest.mark.parametrize("broken", [{"whole": False}, {"framed": False}])
async def test_an_answer_that_breaks_off_is_neither_begun_again_nor_apologised_for(broken: dict[str, Any]):
    with Receiver(streamed(chunk(content="half an"), chunk(content=" answer"), **broken)) as server:
        heard, failed = await failure(chat_at(server, fallback=SORRY))

        assert type(failed) is ResponderBroken
        assert heard == "half an answer"
        assert len(server.sent) == 1


async def test_an_answer_that_stops_half_way_is_neither_begun_again_nor_apologised_for():
    with Receiver(streamed(chunk(content="half an"), chunk(content=" answer"), between=lambda: server.over.wait(TIMEOUT_S))) as server:
        heard, failed = await failure(chat_at(server, next_within=0.3, fallback=SORRY))

        assert type(failed) is ResponderTimeout
        assert heard == "half an"
        assert len(server.sent) == 1


async def test_an_answer_that_is_whole_is_not_lost_with_its_cost():
    with Receiver(streamed(*words("hi")[:-1], "<html>", whole=False)) as server:
        assert await answer(chat_at(server)) == [Words("hi"), Finish("stop")]


async def test_an_answer_that_is_whole_does_not_wait_for_its_cost():
    def hanging(handler: BaseHTTPRequestHandler) -> None:
        streamed(*words("hi")[:-1], whole=False)(handler)
        handler.connection.recv(1)

    with Receiver(hanging) as server:
        assert await answer(chat_at(server, next_within=TIMEOUT_S)) == [Words("hi"), Finish("stop")]


async def test_a_prompt_that_is_refused_is_refused_with_the_reason():
    with Receiver(error(400, message="Your text\n breaks our rules, sk-first.", param="messages")) as server:
        with pytest.raises(ResponderRefused) as refused:
            await answer(chat_at(server, keys=("sk-first",), fallback=SORRY))

        assert refused.value.message.endswith(": Your text breaks our rules, ….")
        assert len(asked_of(server)) == 1


async def test_a_prompt_that_a_filter_stops_is_an_answer():
    with Receiver(error(400, code="content_filter")) as server:
        assert await answer(chat_at(server, fallback=SORRY)) == [Finish("filter")]


async def test_a_model_that_keeps_failing_is_left_alone():
    with Receiver(503) as server:
        chat = chat_at(server, most_failures=3, rest=600.0, fallback=SORRY)
        for _ in range(6):
            assert said(await answer(chat)) == SORRY

        assert len(server.sent) == 3


async def test_it_is_asked_again_when_it_had_its_rest():
    with Receiver(503, 503, 503, streamed(*words("back"))) as server:
        chat = chat_at(server, most_failures=3, rest=0.2, fallback=SORRY)
        heard = SORRY
        while heard == SORRY:
            heard = said(await answer(chat))

        assert heard == "back"


async def test_those_who_hang_up_do_not_make_it_a_failure():
    left = threading.Event()
    with Receiver(silent(left), silent(left), streamed(*words("hi"))) as server:
        chat = chat_at(server, most_failures=1, rest=600)
        for number in (1, 2):
            task = asyncio.create_task(answer(chat))
            await until_asked(server, times=number)
            task.cancel()

        assert said(await answer(chat)) == "hi"
