"""What comes of an upstream that does its part, as it comes."""

from __future__ import annotations

import asyncio
import json
import threading
import time

import numpy as np
import pytest

from tests.jobs.receivers import Receiver
from tests.tones import read_tones
from tests.voice.engines.remote.speakers import (
    body,
    endless,
    engine_for,
    heard,
    pieces,
    silent,
    spoken,
    tones,
    upstream_at,
    utterance,
)
from tests.waiting import TIMEOUT_S
from voice.engines.base import EngineUnavailable
from voice.engines.remote import Remote
from voice.engines.remote.upstream import Client


def test_it_says_what_the_upstream_says():
    with Receiver(spoken) as server:
        assert read_tones(heard(engine_for(server))) == "hello"


def test_it_asks_as_an_openai_client_does():
    with Receiver(spoken) as server:
        heard(engine_for(server, keys=["sk-one"]), "some text", speed=1.5, seed=7)

    asked = server.sent[0]
    assert asked.path == "/v1/audio/speech"
    assert asked.headers["authorization"] == "Bearer sk-one"
    assert json.loads(asked.body) == {"model": "tone", "input": "some text", "voice": "tone", "response_format": "pcm", "speed": 1.5}


def test_how_it_is_to_be_said_goes_along():
    with Receiver(spoken) as server:
        heard(engine_for(server), instructions="Calmly.")

    assert json.loads(server.sent[0].body)["instructions"] == "Calmly."


def test_without_keys_none_is_sent():
    with Receiver(spoken) as server:
        heard(engine_for(server))

    assert "authorization" not in server.sent[0].headers


def test_what_only_some_upstreams_understand_is_sent_where_the_operator_says_so():
    with Receiver(spoken) as server:
        list(engine_for(server, passes=["seed", "language"]).synthesize(utterance(seed=7)))

    sent = json.loads(server.sent[0].body)
    assert sent["seed"] == 7
    assert "language" not in sent  # of a voice that reads any


def test_a_block_is_here_before_the_upstream_has_ended():
    first_heard = threading.Event()
    with Receiver(pieces(tones("he"), tones("llo"), between=lambda: first_heard.wait(TIMEOUT_S))) as server:
        blocks = engine_for(server).synthesize(utterance())
        first = next(block for block in blocks if len(block))
        first_heard.set()
        rest = list(blocks)

    assert read_tones(first) == "he"
    assert read_tones(np.concatenate(rest)) == "llo"


@pytest.mark.parametrize("cut", [1, 1501, 1919])
def test_a_sample_that_comes_in_two_halves_is_one(cut: int):
    data = tones("hello")

    with Receiver(pieces(data[:cut], data[cut : cut + 2], data[cut + 2 :])) as server:
        assert read_tones(heard(engine_for(server))) == "hello"


def test_while_nothing_comes_there_are_empty_blocks():
    waited = threading.Event()
    with Receiver(pieces(tones("he"), tones("llo"), between=lambda: waited.wait(TIMEOUT_S))) as server:
        blocks = engine_for(server).synthesize(utterance())
        while len(next(blocks)) == 0:
            pass

        assert [len(next(blocks)) for _ in range(3)] == [0, 0, 0]
        waited.set()


def test_closing_it_closes_the_connection_at_once():
    left = threading.Event()
    with Receiver(endless(left, pause=0.01)) as server:
        blocks = engine_for(server).synthesize(utterance("a long text " * 100))
        next(block for block in blocks if len(block))

        blocks.close()

        assert left.wait(TIMEOUT_S)


def test_closing_it_before_the_first_byte_does_too():
    left = threading.Event()
    with Receiver(silent(left)) as server:
        blocks = engine_for(server, timeout=600).synthesize(utterance())
        while not server.sent:
            assert len(next(blocks)) == 0

        blocks.close()

        assert left.wait(TIMEOUT_S)


@pytest.mark.parametrize("steps", range(6))
def test_whoever_leaves_while_his_turn_comes_takes_none(steps: int):
    async def leave(port: int) -> bool:
        client = Client(upstream_at(port, concurrency=1))
        first = asyncio.ensure_future(anext(client.speak(utterance(), client.upstream.voices[0])))
        for _ in range(steps):
            await asyncio.sleep(0)
        first.cancel()
        await asyncio.wait([first], timeout=TIMEOUT_S)
        return first.cancelled()

    with Receiver(silent(threading.Event())) as server:
        assert asyncio.run(leave(server.port))


def test_a_text_that_is_too_long_at_once_is_sent_in_parts_that_end_with_a_sentence():
    sentences = [f"This is sentence number {number}, and it is as long as this." for number in range(30)]
    with Receiver(spoken) as server:
        read = read_tones(heard(engine_for(server, characters=500), " ".join(sentences)))

    parts = [json.loads(asked.body)["input"] for asked in server.sent]
    assert len(parts) > 3
    assert all(len(part) <= 500 and part.endswith(".") for part in parts)
    assert " ".join(parts) == " ".join(sentences)
    assert read == "hello" * len(parts)


def test_no_more_requests_than_allowed_are_made_at_a_time():
    running, most, lock = [0], [0], threading.Lock()

    def counted(handler):
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        time.sleep(0.05)
        with lock:
            running[0] -= 1
        spoken(handler)

    with Receiver(counted) as server:
        engine = engine_for(server, concurrency=2)
        threads = [threading.Thread(target=heard, args=(engine,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert len(server.sent) == 8
    assert most[0] <= 2


def test_whatever_the_content_type_says_of_bytes_will_do():
    with Receiver(body(tones("hi"), kind=None), body(tones("hi"), kind="application/octet-stream")) as server:
        engine = engine_for(server)

        assert [read_tones(heard(engine)) for _ in range(2)] == ["hi", "hi"]


def test_without_upstreams_there_is_no_such_engine():
    with pytest.raises(EngineUnavailable):
        Remote([])
