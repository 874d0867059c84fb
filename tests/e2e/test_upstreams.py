"""Two instances of the service, one the upstream of the other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest

from tests.e2e.system import PATIENT, System, running
from tests.tones import read_tones
from tests.waiting import TIMEOUT_S, wait_until

SLOW = 1000  # seeds of the tone engine from here on: so many milliseconds more before each byte
REST_S = 2.0  # for which an upstream that failed is left alone


@pytest.fixture(scope="module")
def far(system: System) -> System:
    return system


@pytest.fixture(scope="module")
def near(far: System, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """The one that our clients talk to."""
    upstream = {
        "name": "far",
        "url": f"{far.url}/v1",
        "keys": ["not-a-key", far.key],
        "model": "tone",
        "voices": [{"name": "tone", "languages": ["mul"]}, {"name": "nobody", "languages": ["mul"]}],
        "passes": ["seed"],
        "failures": 3,
        "rest": REST_S,
        "timeout": TIMEOUT_S,
    }
    with running(tmp_path_factory.mktemp("near"), UPSTREAMS=json.dumps([upstream]), MAX_ATTEMPTS="1", **PATIENT) as system:
        yield system


def ask(text: str, **fields: Any) -> dict[str, Any]:
    return {"model": "far", "voice": "far/tone", "input": text, "response_format": "pcm", **fields}


def test_what_the_far_one_says_the_near_one_says(near: System):
    with near.client() as client:
        answer = client.post("/v1/audio/speech", json=ask("Grüße — from far away"))

    assert read_tones(np.frombuffer(answer.content, "<i2")) == "Grüße — from far away"


def test_it_is_heard_before_the_far_one_has_ended_and_a_client_that_leaves_stops_both(near: System, far: System):
    with near.client() as client, client.stream("POST", "/v1/audio/speech", json=ask("x" * 300, seed=SLOW + 200)) as answer:
        next(answer.iter_raw())
        state = _latest(far)
    wait_until(lambda: _latest(far) != "running")

    assert state == "running"
    assert _latest(far) == "cancelled"


def test_a_voice_that_the_far_one_does_not_have_is_the_operators_matter(near: System):
    with near.client() as client:
        answer = client.post("/v1/audio/speech", json=ask("anyone", voice="far/nobody"))

    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "upstream_misconfigured")


def test_its_keys_are_nowhere_in_the_log(near: System, far: System):
    assert far.key not in near.logged()
    assert "not-a-key" not in near.logged()


def test_a_far_one_that_was_stopped_is_left_alone_and_found_when_it_is_back(near: System, far: System):
    far.web.kill()
    far.web.wait()
    with near.client() as client:
        answers = [_error(client, f"attempt {number}") for number in range(3)]

        far.web = far.spawn("serve", "--port", str(far.port), "--server", far.server)
        far.wait_until_ready()
        audio = wait_until(lambda: _audio(client, "back again"))

    assert answers == [(503, "upstream_unavailable")] * 3
    assert read_tones(np.frombuffer(audio, "<i2")) == "back again"
    logged = near.logged()
    assert logged.index("the circuit of the upstream far is open") < logged.index("the circuit of the upstream far is closed")


def _latest(system: System) -> str:
    """The state of its newest job."""
    with system.client() as client:
        return str(client.get("/v1/jobs").json()["data"][0]["state"])


def _error(client: httpx.Client, text: str) -> tuple[int, str]:
    answer = client.post("/v1/audio/speech", json=ask(text))
    return answer.status_code, answer.json()["error"]["code"]


def _audio(client: httpx.Client, text: str) -> bytes:
    """Return the sound of a text; nothing where it is refused."""
    answer = client.post("/v1/audio/speech", json=ask(text))
    return answer.content if answer.status_code == httpx.codes.OK else b""
