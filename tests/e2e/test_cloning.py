"""A voice of one's own, from a consented recording to what it says and what is converted into it. The models are small and random."""

from __future__ import annotations

import io
import wave
from pathlib import Path

import numpy as np
import pytest

from tests.e2e.system import System
from tests.e2e.test_briefs import finished
from tests.neural.makers import make_openvoice, make_xtts

pytestmark = pytest.mark.shapes("deployed")

SAMPLE = "The quick brown fox jumps over the lazy dog, and then it sleeps beside the old river until the morning comes."
SHORT = "What is said here is converted."
RATE = 24_000


@pytest.fixture(scope="module")
def models(system: System, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("models")
    made = {"tiny-xtts": make_xtts(folder / "xtts"), "tiny-openvoice": make_openvoice(folder / "openvoice")}
    for name, path in made.items():
        system.call("models", "add", name, str(path))


@pytest.fixture(scope="module")
def recording(system: System) -> bytes:
    with system.client() as client:
        return client.post("/v1/audio/speech", json={"model": "flite", "voice": "rms", "input": SAMPLE, "response_format": "wav"}).content


@pytest.fixture(scope="module")
def source(system: System) -> bytes:
    """Return a short recording of somebody else."""
    with system.client() as client:
        return client.post("/v1/audio/speech", json={"model": "flite", "voice": "slt", "input": SHORT, "response_format": "wav"}).content


@pytest.fixture(scope="module")
def voice(system: System, models: None, recording: bytes) -> str:
    """The id of a voice made of a recording."""
    with system.client() as client:
        consent = client.post(
            "/v1/audio/voice_consents", data={"name": "Rms", "language": "en"}, files={"recording": ("a.wav", recording)}
        ).json()
        made = client.post(
            "/v1/audio/voices",
            data={"name": "Rms", "consent": consent["id"], "model": "tiny-xtts"},
            files={"audio_sample": ("a.wav", recording)},
        )
    assert made.status_code in {200, 201}, made.text
    return str(made.json()["id"])


def seconds_of(data: bytes) -> float:
    with wave.open(io.BytesIO(data)) as sound:
        assert sound.getframerate() == RATE
        return float(sound.getnframes() / RATE)


def test_a_cloned_voice_speaks_and_is_learned_once(system, voice):
    asked = {"model": "tiny-xtts", "voice": voice, "input": "Hello there.", "response_format": "pcm", "seed": 7}

    with system.client() as client:
        first, again = (client.post("/v1/audio/speech", json=asked, headers={"Cache-Control": "no-cache"}) for _ in range(2))

    assert first.status_code == 200, first.text
    assert first.content == again.content
    assert np.frombuffer(first.content, np.int16).any()
    kept = list(Path(system.folder, "conditioning").rglob("*.pt"))
    assert [path.parent.name for path in kept] == ["1"]


def test_what_nobody_wrote_is_cut(system, voice):
    asked = {"model": "tiny-xtts", "voice": voice, "input": "Hello there.", "response_format": "wav"}

    with system.client() as client:
        spoken = client.post("/v1/audio/speech", json=asked)

    # a random model never ends by itself
    assert 0 < seconds_of(spoken.content) < 6


def test_a_recording_is_converted_into_it(system, voice, source):
    with system.client() as client:
        converted = client.post(
            "/v1/audio/conversions", data={"voice": voice, "response_format": "wav"}, files={"file": ("source.wav", source)}
        )
        usage = system.shell(
            "from accounts.models import Usage; u = Usage.objects.get(kind='conversion'); print(u.characters, u.milliseconds)"
        )

    assert converted.status_code == 200, converted.text
    assert converted.headers["content-type"] == "audio/wav"
    assert seconds_of(converted.content) == pytest.approx(seconds_of(source), abs=0.3)
    characters, milliseconds = usage.split()
    assert int(characters) == 0
    assert int(milliseconds) == pytest.approx(seconds_of(converted.content) * 1000, abs=2)


def test_a_conversion_streams_and_is_kept_without_its_source(system, voice, source):
    with system.client() as client:
        converted = client.post("/v1/audio/conversions", data={"voice": voice}, files={"file": source})
        again = client.post("/v1/audio/conversions", data={"voice": voice}, files={"file": source})
        output = client.get(f"/v1/outputs/{converted.headers['x-output-id']}/content")
    left = system.shell("from jobs.models import Item; print(Item.objects.filter(job__kind='conversion', source__isnull=False).count())")

    assert converted.content == output.content
    assert again.headers["x-cache"] == "hit"
    assert left == "0"


def test_outputs_are_converted_in_a_brief(system, voice):
    with system.client() as client:
        made = client.post("/v1/audio/speech", json={"model": "flite", "voice": "slt", "input": SHORT, "response_format": "mp3"})
        brief = {"voice": voice, "response_format": "wav", "items": [{"source": made.headers["x-output-id"], "ref": "a"}]}
        job = client.post("/v1/jobs", json=brief)
        assert job.status_code == 202, job.text
        state = finished(client, job.json()["id"])["state"]
        (item,) = client.get(f"/v1/jobs/{job.json()['id']}/items").json()["data"]
        converted = client.get(f"/v1/outputs/{item['output_id']}/content")
        kept = client.get(f"/v1/outputs/{made.headers['x-output-id']}/content")

    assert state == "completed"
    assert seconds_of(converted.content) > 1
    assert kept.content == made.content


@pytest.mark.parametrize(
    ("items", "status", "code", "param"),
    [
        ([{"source": "out_nobody"}], 404, "output_not_found", "items[0].source"),
        ([{"source": "out_nobody", "input": "a"}], 400, "invalid_value", "items[0]"),
        ([{"ref": "a"}], 400, "missing_required_parameter", "items[0].input"),
        ([{"input": "a"}, {"source": "out_nobody"}], 400, "invalid_request", "items[1].source"),
    ],
)
def test_a_brief_that_converts_what_it_can_not_is_refused(system, voice, items, status, code, param):
    with system.client() as client:
        refused = client.post("/v1/jobs", json={"voice": voice, "items": items})

    error = refused.json()["error"]
    assert (refused.status_code, error["code"], error["param"]) == (status, code, param)


@pytest.mark.parametrize(
    ("fields", "file", "status", "code"),
    [
        ({"voice": "slt"}, b"RIFF", 415, "audio_format_unsupported"),
        ({}, None, 400, "invalid_request"),
        ({"voice": "nobody"}, None, 404, "voice_not_found"),
        ({"voice": "slt"}, None, 400, "voice_has_no_samples"),
        ({"voice": "own", "model": "flite"}, None, 400, "conversion_unavailable"),
        ({"voice": "own", "response_format": "ogg"}, None, 400, "invalid_value"),
        ({"voice": "own", "speed": "2"}, None, 400, "unknown_field"),
        ({"voice": "own"}, b"", 400, "empty_file"),
        ({"voice": "own"}, b"RIFF\x00\x00\x00\x00WAVEfmt ", 400, "audio_unreadable"),
    ],
)
def test_what_can_not_be_converted_is_refused(system, voice, recording, fields, file, status, code):
    data = {name: voice if value == "own" else value for name, value in fields.items()}

    with system.client() as client:
        refused = client.post("/v1/audio/conversions", data=data, files={"file": recording if file is None else file})

    assert (refused.status_code, refused.json()["error"]["code"]) == (status, code)


def test_a_voice_of_somebody_else_is_not_found(system, voice, recording):
    with system.client() as client:
        refused = client.post(
            "/v1/audio/conversions", data={"voice": voice}, files={"file": recording}, headers=system.another_user("stranger")
        )

    assert (refused.status_code, refused.json()["error"]["code"]) == (404, "voice_not_found")
