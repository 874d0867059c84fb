"""Briefs, quotas of attention and second requests for the same thing, against the running system."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import numpy as np
import pytest

from tests.e2e.system import System
from tests.tones import read_tones
from tests.waiting import TIMEOUT_S, wait_until

pytestmark = pytest.mark.shapes("deployed")

SLOW = 1040  # 40 ms more for each byte


def body(text: str, **fields: Any) -> dict[str, Any]:
    return {"model": "tone", "voice": "tone", "input": text, "response_format": "pcm", **fields}


def heard(pcm: bytes) -> str:
    return read_tones(np.frombuffer(pcm, dtype="<i2"))


def finished(client: httpx.Client, job_id: str) -> dict[str, Any]:
    """Wait until a job is over, and return it."""

    def job_if_over() -> dict[str, Any]:
        job: dict[str, Any] = client.get(f"/v1/jobs/{job_id}").json()
        assert 0 <= job["progress"] <= 100
        return job if job["state"] not in ("queued", "running") else {}

    return wait_until(job_if_over)


def items_of(client: httpx.Client, job_id: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    after = ""
    while True:
        page = client.get(f"/v1/jobs/{job_id}/items?limit=25{after}").json()
        items += page["data"]
        if not page["has_more"]:
            return items
        after = f"&after={page['last_id']}"


def test_every_line_of_a_brief_comes_out_once_and_is_its_own(system: System):
    texts = [f"line {number} of the brief" for number in range(60)]
    with system.client() as client:
        job = client.post(
            "/v1/jobs",
            json={"model": "tone", "voice": "tone", "response_format": "pcm", "items": [{"input": t, "ref": t} for t in texts]},
        )
        assert job.status_code == 202, job.text
        done = finished(client, job.json()["id"])
        assert (done["state"], done["counts"]["completed"], done["progress"]) == ("completed", 60, 100)
        items = items_of(client, done["id"])
        assert [item["ref"] for item in items] == texts
        assert len({item["output_id"] for item in items}) == 60
        for item in items[::10]:
            assert heard(client.get(f"/v1/outputs/{item['output_id']}/content").content) == item["ref"]


def test_a_brief_of_somebody_does_not_keep_a_line_of_another_waiting(system: System):
    other = system.another_user("bob")
    with system.client() as client, httpx.Client(base_url=system.url, headers=other, timeout=TIMEOUT_S) as bob:
        lines = [{"input": f"a long line {number}"} for number in range(300)]
        brief = client.post("/v1/jobs", json={"model": "tone", "voice": "tone", "items": lines}).json()
        single = bob.post("/v1/jobs", json={"model": "tone", "voice": "tone", "items": [{"input": "mine"}]}).json()
        finished(bob, single["id"])
        assert client.get(f"/v1/jobs/{brief['id']}").json()["counts"]["pending"] > 0
        client.post(f"/v1/jobs/{brief['id']}/cancel")


def test_fifty_requests_with_one_key_make_one_job(system: System):
    key = {"Idempotency-Key": "fifty-at-once"}
    text = "said once"
    with system.client() as client, ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: client.post("/v1/audio/speech", json=body(text), headers=key), range(50)))

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.headers["x-job-id"] for answer in answers}) == 1
    assert {heard(answer.content) for answer in answers} == {text}


def test_the_same_again_is_served_from_what_is_stored(system: System):
    with system.client() as client:
        first = client.post("/v1/audio/speech", json=body("say it again"))
        again = client.post("/v1/audio/speech", json=body("say it again"))
        anew = client.post("/v1/audio/speech", json=body("say it again"), headers={"Cache-Control": "no-cache"})

    assert [answer.headers["x-cache"] for answer in (first, again, anew)] == ["miss", "hit", "miss"]
    assert first.content == again.content == anew.content
    assert len({answer.headers["x-output-id"] for answer in (first, again, anew)}) == 3


def test_two_identical_requests_at_once_are_made_once(system: System):
    request = body("both of us want this", seed=SLOW)
    with system.client() as client, ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: client.post("/v1/audio/speech", json=request), range(2)))

    assert {heard(answer.content) for answer in answers} == {request["input"]}
    assert sorted(answer.headers["x-cache"] for answer in answers) == ["hit", "miss"]
    assert {answer.status_code for answer in answers} == {200}


def test_who_shares_a_result_keeps_it_when_the_first_one_leaves(system: System):
    request = body("the first of us will leave soon", seed=SLOW + 60)
    count = f"from jobs.models import Item; print(Item.objects.filter(text={request['input']!r}).count())"
    begun = threading.Event()

    def leave_early() -> None:
        with system.client() as client, client.stream("POST", "/v1/audio/speech", json=request) as answer:
            next(answer.iter_raw())
            begun.set()
            wait_until(lambda: system.shell(count) == "2")

    with system.client() as client:
        leaving = threading.Thread(target=leave_early)
        leaving.start()
        assert begun.wait(TIMEOUT_S)
        answer = client.post("/v1/audio/speech", json=request)
        leaving.join()

    assert heard(answer.content) == request["input"]


def test_a_client_that_lost_its_connection_goes_on_from_the_byte_it_has(system: System):
    request = body("this is cut in the middle and goes on", seed=SLOW, resume=True)
    with system.client() as client:
        had = b""
        with client.stream("POST", "/v1/audio/speech", json=request) as answer:
            output = answer.headers["x-output-id"]
            for piece in answer.iter_raw():
                had += piece
                if len(had) > 5000:
                    break
        with client.stream("GET", f"/v1/outputs/{output}/content", headers={"Range": f"bytes={len(had)}-"}) as rest:
            assert rest.status_code == 206
            assert rest.headers["Content-Range"].startswith(f"bytes {len(had)}-")
            had += rest.read()
        whole = client.get(f"/v1/outputs/{output}/content")

    assert heard(had) == request["input"]
    assert whole.content == had
    assert whole.headers["Content-Length"] == str(len(had))


def test_a_cancelled_brief_stops(system: System):
    with system.client() as client:
        lines = [{"input": f"nobody wants line {number}"} for number in range(500)]
        job = client.post("/v1/jobs", json={"model": "tone", "voice": "tone", "items": lines}).json()
        told = client.post(f"/v1/jobs/{job['id']}/cancel").json()
        assert told["counts"]["cancelled"] > 0
        done = finished(client, job["id"])

    assert sum(done["counts"][state] for state in ("completed", "failed", "cancelled")) == 500
