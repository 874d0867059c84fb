"""Speech over HTTP against the running system."""

from __future__ import annotations

import hashlib
import http.client
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import numpy as np
import pytest

from tests.e2e.system import System
from tests.tones import read_tones
from tests.waiting import wait_until

pytestmark = pytest.mark.shapes("embedded", "deployed")

SLOW = 1000  # seeds of the tone engine from here on: so many milliseconds more before each byte
ENDLESS: dict[str, Any] = {"text": "x" * 300, "seed": SLOW + 200}  # takes a minute
ENDLESS_SECONDS = 300 * 0.04


def ask(text: str, **fields: Any) -> dict[str, Any]:
    return {"model": "tone", "voice": "tone", "input": text, "response_format": "pcm", **fields}


def test_twenty_clients_at_once_each_get_their_own_words(system: System):
    texts = [f"client {number} says {hashlib.sha256(str(number).encode()).hexdigest()[:24]}" for number in range(20)]

    def speak(text: str) -> str:
        with system.client() as client:
            return read_tones(np.frombuffer(client.post("/v1/audio/speech", json=ask(text)).content, "<i2"))

    with ThreadPoolExecutor(20) as pool:
        heard = list(pool.map(speak, texts))

    assert heard == texts


def test_the_body_streams_as_it_is_made_and_a_client_that_leaves_stops_it(system: System):
    def state() -> str:
        return system.shell(f"from jobs.models import Job; print(Job.objects.get(pk={job!r}).state)")

    with system.client() as client, client.stream("POST", "/v1/audio/speech", json=ask(**ENDLESS)) as answer:
        next(answer.iter_raw())
        job = answer.headers["x-job-id"]
        assert state() == "running"
    wait_until(lambda: state() != "running")

    charged = system.shell(
        "from accounts.models import Usage; from jobs.models import Item;"
        f"print(Usage.objects.get(item_id=Item.objects.get(job={job!r}).pk).seconds)"
    )
    assert state() == "cancelled"
    assert 0 < float(charged) < ENDLESS_SECONDS


def test_a_client_that_leaves_before_the_first_byte_stops_it_too(system: System):
    def states() -> str:
        return system.shell("from jobs.models import Item; print(*Item.objects.filter(text='never').values_list('state', flat=True))")

    connection = http.client.HTTPConnection("127.0.0.1", system.port)
    headers = {**system.headers, "Content-Type": "application/json"}
    connection.request("POST", "/v1/audio/speech", json.dumps(ask("never", seed=3)), headers)
    wait_until(lambda: states() == "running")
    connection.close()

    wait_until(lambda: states() == "cancelled")


def test_the_characters_that_are_left_of_a_limit_are_told_before_the_sound(system: System):
    headers = system.another_user("frank")
    system.shell(
        "from accounts.models import Override, User;"
        "Override.objects.get_or_create(owner=User.objects.get(username='frank'), defaults={'characters': 1000})"
    )

    answers = [httpx.post(f"{system.url}/v1/audio/speech", json=ask("twelve chars"), headers=each) for each in (headers, system.headers)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert [answers[0].headers[f"x-ratelimit-{name}-tokens"] for name in ("limit", "remaining")] == ["1000", "988"]
    assert "x-ratelimit-limit-tokens" not in answers[1].headers


def test_a_failure_before_the_first_byte_is_an_error_with_its_own_status(system: System):
    with system.client() as client:
        answer = client.post("/v1/audio/speech", json=ask("doomed", seed=1))

    assert answer.status_code >= 400
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}


def test_a_long_text_is_spoken_to_its_end(system: System):
    sentences = [f"This is sentence number {number}, and it is not the last." for number in range(80)]
    with system.client() as client:
        short = client.post("/v1/audio/speech", json=ask(sentences[0], model="tts-1", voice="alloy", store=False)).content
        long = client.post("/v1/audio/speech", json=ask(" ".join(sentences), model="tts-1", voice="alloy", store=False)).content

    assert len(" ".join(sentences)) > 4096
    assert len(long) > 60 * len(short)


def test_an_output_is_kept_and_is_what_was_sent(system: System):
    with system.client() as client:
        answer = client.post("/v1/audio/speech", json=ask("keep this", response_format="flac"))
        output = client.get(f"/v1/outputs/{answer.headers['x-output-id']}").json()
        stored = client.get(f"/v1/outputs/{answer.headers['x-output-id']}/content")

    assert stored.content == answer.content
    assert output["sha256"] == hashlib.sha256(stored.content).hexdigest()
    assert output["seconds"] == pytest.approx(0.36)
    assert output["configuration"]["voice"] == "tone"
    assert stored.headers["etag"] == f'"{output["sha256"]}"'


def test_the_whole_of_an_output_can_be_fetched_in_ranges(system: System):
    with system.client() as client:
        answer = client.post("/v1/audio/speech", json=ask("in ranges"))
        place = f"/v1/outputs/{answer.headers['x-output-id']}/content"
        parts = [
            client.get(place, headers={"Range": f"bytes={start}-{start + 4999}"}).content for start in range(0, len(answer.content), 5000)
        ]

    assert b"".join(parts) == answer.content
