"""Models that an operator registered, from the command line to the samples. They are small and random, and loaded as any other."""

from __future__ import annotations

import math
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from tests.e2e.system import System
from tests.e2e.test_briefs import finished
from tests.neural.makers import make_vits
from tests.tones import read_tones
from tests.waiting import wait_until

pytestmark = pytest.mark.shapes("deployed")

TEXT = "Hello there. How are you today, my friend?"
BYTES_PER_SECOND = 48_000


@pytest.fixture(scope="module")
def tiny(system: System, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a registered model with two voices."""
    folder = make_vits(tmp_path_factory.mktemp("models") / "tiny", speakers=("ann", "bob"), stochastic=True)
    assert "2 voices" in system.run("models", "add", "tiny", str(folder), "--licence", "CC0")
    return "tiny"


def speak(system: System, text: str = TEXT, **fields: Any) -> bytes:
    asked = {"model": "tts-1", "voice": "tiny/ann", "input": text, "response_format": "pcm", **fields}
    with system.client() as client:
        answer = client.post("/v1/audio/speech", json=asked, headers={"Cache-Control": "no-cache"})
    assert answer.status_code == 200, answer.text
    return answer.content


def test_a_registered_model_speaks_with_each_of_its_voices(system, tiny):
    ann, bob = speak(system), speak(system, voice="tiny/bob", model=tiny)

    assert len(ann) > BYTES_PER_SECOND / 2
    assert len(bob) > BYTES_PER_SECOND / 2


def test_it_is_listed_with_its_licence(system, tiny):
    with system.client() as client:
        shown = client.get(f"/v1/models/{tiny}").json()
        voices = {voice["id"] for voice in client.get("/v1/audio/voices").json()["data"]}

    assert (shown["task"], shown["licence"], shown["timed"]) == ("speech", "CC0", True)
    assert {"tiny/ann", "tiny/bob"} <= voices


def test_the_same_seed_gives_the_same_samples_whoever_else_speaks(system, tiny):
    texts = [f"This is the sentence with number {word}." for word in ("one", "two", "three", "four", "five", "six")]
    alone = [speak(system, text, seed=number) for number, text in enumerate(texts)]

    with ThreadPoolExecutor(len(texts)) as pool:
        together = list(pool.map(lambda pair: speak(system, pair[1], seed=pair[0]), enumerate(texts)))

    assert together == alone
    assert len(set(alone)) == len(alone)


def test_a_brief_is_made_by_it(system, tiny):
    items = [{"input": f"Line {word}.", "ref": word} for word in ("one", "two", "three", "four")]
    with system.client() as client:
        job = client.post("/v1/jobs", json={"model": tiny, "voice": "tiny/bob", "response_format": "wav", "items": items}).json()
        job = finished(client, job["id"])

    assert (job["state"], job["counts"]["completed"]) == ("completed", 4)


def test_it_tells_when_each_word_is_said(system, tiny):
    asked = {"model": tiny, "voice": "tiny/ann", "input": "It costs $5, my friend. Goodbye.", "timestamp_granularities": ["word"]}
    with system.client() as client:
        answer = client.post("/v1/audio/speech", json={**asked, "response_format": "pcm"})
        words = client.get(f"/v1/outputs/{answer.headers['x-output-id']}/timestamps").json()["words"]

    assert [word["word"] for word in words] == ["It", "costs", "$5", "my", "friend", "Goodbye"]
    edges = [edge for word in words for edge in (word["start"], word["end"])]
    assert edges == sorted(edges)
    assert 0 < edges[-1] <= len(answer.content) / BYTES_PER_SECOND


def test_staff_see_it_in_a_workers_memory_and_others_see_no_workers(system, tiny):
    speak(system)
    staff = system.shell(
        "from accounts.models import User, Scope; from accounts.tokens import issue_key;"
        "user, _ = User.objects.get_or_create(username='operator', defaults={'is_staff': True});"
        "print(issue_key(owner=user, name='key', scopes=list(Scope))[1])"
    )

    with system.client() as client:

        def workers_with_it() -> list[dict[str, Any]]:
            found = client.get("/v1/workers", headers={"Authorization": f"Bearer {staff}"}).json()["data"]
            return [worker for worker in found if tiny in [model["name"] for model in worker["loaded"]]]

        workers = wait_until(workers_with_it)  # a worker tells what it has loaded every few seconds
        refused = client.get("/v1/workers", headers=system.another_user("stranger"))

    assert workers[0]["device"]["device"] in {"cpu", "cuda"}
    assert refused.status_code == 403


@pytest.mark.parametrize("name", ["/etc", "../tiny", "tts_models/en/ljspeech/vits"])
def test_a_request_names_no_place(system, tiny, name):
    with system.client() as client:
        answer = client.post("/v1/audio/speech", json={"model": name, "voice": "tiny/ann", "input": TEXT})

    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "model_not_found")


def test_a_model_that_is_not_there_says_so_and_not_where(system, tmp_path):
    folder = make_vits(tmp_path / "gone")
    system.call("models", "add", "gone", str(folder))
    (folder / "model.pth").unlink()

    with system.client() as client:
        answer = client.post("/v1/audio/speech", json={"model": "gone", "voice": "gone", "input": TEXT})

    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "model_unavailable")
    assert str(tmp_path) not in answer.text


def test_a_worker_that_lost_its_device_ends_and_the_next_does_the_work_once(system: System):
    lost = math.ceil(time.time())  # every worker that has begun by now
    body = {"model": "tone", "voice": "tone", "input": "once", "response_format": "pcm", "seed": lost, "resume": True}
    item = "from jobs.models import Item; from accounts.models import Usage; i = Item.objects.get(text='once');"
    with system.client() as client:
        # with `resume` the work goes on where the answer is that no worker is left, as on a machine that is slow to start the next
        client.post("/v1/audio/speech", json=body)
        wait_until(lambda: system.shell(item + "print(i.state)") == "completed")
        sound = client.get(f"/v1/outputs/{system.shell(item + 'print(i.output_id)')}/content").content
    told = system.shell(item + "print(i.attempt > 1, Usage.objects.filter(item_id=i.pk).count())")
    log = system.logged()

    assert read_tones(np.frombuffer(sound, np.int16)) == "once"
    assert told == "True 1"
    assert '"reason": "DEVICE_LOST"' in log
    assert '"status": 75' in log
