"""Upstreams that are away, slow, rate-limiting and lying."""

from __future__ import annotations

import threading
import time
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler

import numpy as np
import pytest

from tests.jobs.receivers import Behaviour, Receiver
from tests.servers import free_port
from tests.tones import read_tones
from tests.voice.engines.remote.speakers import body, endless, engine_for, error, heard, pieces, silent, spoken, tones, utterance
from tests.waiting import TIMEOUT_S, wait_until
from voice.audio.encode import Encoder
from voice.engines.base import Pcm
from voice.engines.remote.errors import (
    UpstreamBroken,
    UpstreamBusy,
    UpstreamInvalidResponse,
    UpstreamMisconfigured,
    UpstreamQuotaExhausted,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from voice.upstreams.errors import UpstreamFailure

QUOTA = {"code": "insufficient_quota", "message": "You exceeded your current quota."}
TWO_KEYS = {"keys": ["sk-first", "sk-second"]}


def keys_of(server: Receiver) -> list[str]:
    return [asked.headers["authorization"].removeprefix("Bearer sk-") for asked in server.sent]


def encoded(form: str) -> bytes:
    pcm: Pcm = np.frombuffer(tones("a text of some length"), np.int16)
    with Encoder(form) as encoder:
        return encoder.encode(pcm) + encoder.finish()


def test_a_key_that_is_used_too_often_rests_and_the_next_is_tried_at_once():
    with Receiver(error(429, Retry_After="60"), spoken) as server:
        engine = engine_for(server, **TWO_KEYS)

        assert [read_tones(heard(engine)) for _ in range(3)] == ["hello"] * 3

    assert keys_of(server) == ["first", "second", "second", "second"]


def test_keys_take_turns():
    with Receiver(spoken) as server:
        engine = engine_for(server, **TWO_KEYS)
        for _ in range(4):
            heard(engine)

    assert keys_of(server) == ["first", "second", "first", "second"]


@pytest.mark.parametrize("answer", [error(401), error(403), error(402), error(429, **QUOTA)])
def test_a_key_that_is_refused_or_used_up_rests(answer: Behaviour):
    with Receiver(answer, spoken) as server:
        engine = engine_for(server, **TWO_KEYS)

        assert [read_tones(heard(engine)) for _ in range(2)] == ["hello"] * 2

    assert keys_of(server) == ["first", "second", "second"]


def test_an_upstream_that_says_for_how_long_is_asked_again_then():
    asked: list[float] = []

    def rest_a_second(handler: BaseHTTPRequestHandler) -> None:
        asked.append(time.monotonic())
        is_rested = asked[-1] - asked[0] >= 0.9
        (spoken if is_rested else error(429, Retry_After="1"))(handler)

    with Receiver(rest_a_second) as server:
        assert read_tones(heard(engine_for(server))) == "hello"

    assert len(server.sent) == 2


@pytest.mark.parametrize("as_date", [False, True])
def test_with_every_key_resting_nothing_is_asked(as_date: bool):
    told = formatdate(time.time() + 90, usegmt=True) if as_date else "90"

    with Receiver(error(429, Retry_After=told)) as server:
        engine = engine_for(server, **TWO_KEYS)
        for _ in range(3):
            with pytest.raises(UpstreamBusy) as busy:
                heard(engine)

    assert len(server.sent) == 2
    assert busy.value.retry_after is not None
    assert 30 < busy.value.retry_after <= 90
    assert busy.value.transient


def test_keys_whose_rest_is_over_before_the_last_was_tried_are_not_tried_for_ever():
    def slowly(handler: BaseHTTPRequestHandler) -> None:
        time.sleep(0.02)
        error(429, Retry_After="0.01")(handler)

    with Receiver(*[slowly] * 30, spoken) as server, pytest.raises(UpstreamBusy):
        heard(engine_for(server, **TWO_KEYS))

    assert len(server.sent) <= 3 * 2


def test_the_upstreams_quota_is_not_told_as_ours():
    with Receiver(error(429, **QUOTA)) as server, pytest.raises(UpstreamQuotaExhausted) as used_up:
        heard(engine_for(server, **TWO_KEYS))

    assert (used_up.value.status, used_up.value.code) == (503, "upstream_quota_exhausted")
    assert used_up.value.type != "insufficient_quota"
    assert not used_up.value.transient
    assert len(server.sent) == 2


def test_a_refused_key_is_no_secret_that_we_tell():
    with Receiver(error(401, message="Incorrect API key provided: sk-first")) as server, pytest.raises(UpstreamMisconfigured) as wrong:
        heard(engine_for(server, keys=["sk-first"]))

    assert wrong.value.status == 502
    assert "sk-" not in wrong.value.message
    assert "Incorrect" not in wrong.value.message


def test_a_text_that_is_refused_is_refused_with_the_reason_on_one_line():
    reason = "Your text\n\n\x1b[31m breaks\tour rules, sk-first. " + "x" * 500
    with Receiver(error(400, message=reason, param="input")) as server, pytest.raises(UpstreamRefused) as refused:
        heard(engine_for(server, keys=["sk-first"]))

    assert (refused.value.status, refused.value.code, refused.value.param) == (400, "upstream_refused", "input")
    assert "Your text [31m breaks our rules, …." in refused.value.message
    assert refused.value.message.isprintable()
    assert len(refused.value.message) < 300
    assert len(server.sent) == 1


@pytest.mark.parametrize("answer", [error(400, param="model"), error(404), error(405), error(302, Location="/elsewhere")])
def test_what_the_operator_must_mend_is_not_the_texts_fault(answer: Behaviour):
    with Receiver(answer) as server, pytest.raises(UpstreamMisconfigured):
        heard(engine_for(server))

    assert len(server.sent) == 1


@pytest.mark.parametrize("status", [408, 500, 502, 503])
def test_a_passing_fault_is_tried_again(status: int):
    with Receiver(error(status), error(status), spoken) as server:
        assert read_tones(heard(engine_for(server))) == "hello"

    assert len(server.sent) == 3


def test_a_fault_that_stays_is_told():
    with Receiver(body(b"<html>Bad Gateway", status=502, kind="text/html")) as server, pytest.raises(UpstreamUnavailable) as away:
        heard(engine_for(server))

    assert (away.value.status, away.value.code, away.value.transient) == (503, "upstream_unavailable", True)
    assert "html" not in away.value.message
    assert len(server.sent) == 3


def test_nobody_there_is_told_too():
    with pytest.raises(UpstreamUnavailable):
        heard(engine_for(free_port()))


def test_an_upstream_that_says_nothing_is_left():
    left = threading.Event()
    with Receiver(silent(left)) as server, pytest.raises(UpstreamTimeout) as late:
        heard(engine_for(server, timeout=0.3))

    assert (late.value.status, late.value.code, late.value.transient) == (504, "upstream_timeout", True)
    assert left.wait(TIMEOUT_S)
    assert len(server.sent) == 1


def test_one_that_stops_half_way_is_left():
    stuck = threading.Event()
    with Receiver(pieces(tones("he"), tones("llo"), between=lambda: stuck.wait(TIMEOUT_S))) as server:
        blocks = engine_for(server, timeout=3).synthesize(utterance())
        assert read_tones(next(block for block in blocks if len(block))) == "he"

        with pytest.raises(UpstreamTimeout):
            list(blocks)
        stuck.set()


@pytest.mark.parametrize(
    "answer",
    [
        body(b"<!doctype html><title>Sign in</title>", kind="text/html"),
        body(b'{"audio": null}', kind="application/json"),
        body(b'{"audio": null}'),
        body(b"<html>" + b"hello " * 500),
        body(b""),
        body(b"\0"),
        body(tones("hello"), kind="audio/mpeg"),
        body(encoded("mp3")),
        body(encoded("mp3"), kind="audio/mpeg"),
        body(encoded("mp3")[encoded("mp3").index(b"\xff\xf3") :]),
        body(encoded("aac")),
        body(encoded("wav")),
        body(encoded("opus")),
        body(encoded("flac")),
        body(tones("hello"), Content_Encoding="gzip"),
        body(tones("hello"), status=206),
    ],
)
def test_what_is_not_the_audio_asked_for_is_not_played(answer: Behaviour):
    with Receiver(answer) as server:
        blocks = (block for block in engine_for(server).synthesize(utterance()) if len(block))

        with pytest.raises(UpstreamInvalidResponse) as lie:
            next(blocks)

    assert (lie.value.status, lie.value.code) == (502, "upstream_invalid_response")


def test_an_endless_answer_ends_where_no_text_of_its_length_could():
    left = threading.Event()
    blocks: list[Pcm] = []
    with Receiver(endless(left)) as server:
        with pytest.raises(UpstreamInvalidResponse):
            blocks.extend(engine_for(server).synthesize(utterance("ten letter")))

        assert left.wait(TIMEOUT_S)
    assert sum(map(len, blocks)) <= 20 * 24_000


def test_audio_that_breaks_off_is_not_tried_again_here():
    with Receiver(pieces(tones("hel"), whole=False)) as server, pytest.raises(UpstreamBroken) as broken:
        heard(engine_for(server))

    assert broken.value.transient
    assert len(server.sent) == 1


def test_half_a_sample_at_the_end_is_audio_that_broke_off():
    with Receiver(body(tones("hello")[:-1])) as server, pytest.raises(UpstreamBroken):
        heard(engine_for(server))


def test_after_some_failures_in_a_row_it_is_left_alone():
    with Receiver(error(503)) as server:
        engine = engine_for(server, failures=6, rest=600)
        for _ in range(3):
            with pytest.raises(UpstreamUnavailable):
                heard(engine)

    assert len(server.sent) == 6


def test_it_is_asked_again_when_it_had_its_rest():
    with Receiver(*[error(503)] * 3, spoken) as server:
        engine = engine_for(server, failures=3, rest=0.2)
        with pytest.raises(UpstreamUnavailable):
            heard(engine)

        def is_back() -> bool:
            try:
                return read_tones(heard(engine)) == "hello"
            except UpstreamUnavailable:
                return False

        wait_until(is_back)


def test_all_threads_of_a_process_know_of_it():
    with Receiver(error(503)) as server:
        engine = engine_for(server, failures=3, rest=600)
        with pytest.raises(UpstreamUnavailable):
            heard(engine)
        told: list[UpstreamFailure] = []

        def ask() -> None:
            try:
                heard(engine)
            except UpstreamFailure as failure:
                told.append(failure)

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert len(told) == 8
    assert len(server.sent) == 3


def test_whoever_leaves_says_nothing_of_the_upstream():
    left = threading.Event()
    lie = body(b"<html>", kind="text/html")
    with Receiver(lie, silent(left), lie, spoken) as server:
        engine = engine_for(server, failures=2, rest=600)
        with pytest.raises(UpstreamInvalidResponse):
            heard(engine)
        blocks = engine.synthesize(utterance())
        while len(server.sent) == 1:
            next(blocks)
        blocks.close()
        assert left.wait(TIMEOUT_S)

        with pytest.raises(UpstreamInvalidResponse):
            heard(engine)
        with pytest.raises(UpstreamUnavailable):
            heard(engine)

    assert len(server.sent) == 3


def test_texts_that_are_refused_do_not_count_as_failures():
    with Receiver(*[error(400)] * 5, spoken) as server:
        engine = engine_for(server, failures=1)
        for _ in range(5):
            with pytest.raises(UpstreamRefused):
                heard(engine)

        assert read_tones(heard(engine)) == "hello"
