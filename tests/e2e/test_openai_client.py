"""The unmodified `openai` package, used as its documentation says."""

from __future__ import annotations

import io
import wave
from collections.abc import Iterator

import av
import numpy as np
import openai
import pytest

from tests.e2e.system import System
from tests.tones import read_tones

FORMATS = ["mp3", "opus", "aac", "flac", "wav", "pcm"]
BYTES_PER_SECOND = 48_000


@pytest.fixture
def client(system: System) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{system.url}/v1", api_key=system.key, max_retries=0) as client:
        yield client


def seconds_of(data: bytes) -> float:
    with av.open(io.BytesIO(data), "r") as container:
        frames = list(container.decode(audio=0))
    return float(sum(frame.samples for frame in frames) / frames[0].sample_rate)


@pytest.mark.parametrize("form", FORMATS)
def test_it_speaks_in_every_format(client, form):
    spoken = client.audio.speech.create(
        model="tts-1", voice="alloy", input="The quick brown fox jumps over the lazy dog.", response_format=form
    )

    data = spoken.content
    seconds = len(data) / BYTES_PER_SECOND if form == "pcm" else seconds_of(data)
    assert 1.5 < seconds < 5


@pytest.mark.parametrize("form", FORMATS)
def test_it_streams_in_every_format(client, form):
    with client.audio.speech.with_streaming_response.create(
        model="gpt-4o-mini-tts", voice="nova", input="One. Two. Three.", response_format=form, instructions="calmly"
    ) as spoken:
        pieces = list(spoken.iter_bytes())

    assert spoken.headers["content-type"].startswith(("audio/", "application/"))
    assert spoken.headers["x-job-id"].startswith("job_")
    assert spoken.headers["x-output-id"].startswith("out_")
    assert spoken.headers["x-request-id"].startswith("req_")
    assert spoken.headers["x-accel-buffering"] == "no"
    assert sum(map(len, pieces)) > 1000


def test_a_wav_that_was_not_streamed_has_exact_sizes(client):
    spoken = client.audio.speech.create(model="tts-1", voice="alloy", input="Exactly this long.", response_format="wav")

    with wave.open(io.BytesIO(spoken.content)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (24_000, 1, 2)
        assert file.getnframes() * 2 == len(spoken.content) - 44


def test_the_stored_output_of_a_streamed_wav_has_exact_sizes(client, system):
    with client.audio.speech.with_streaming_response.create(
        model="tts-1", voice="alloy", input="Exactly this long.", response_format="wav"
    ) as spoken:
        streamed = spoken.read()

    with system.client() as http:
        stored = http.get(f"/v1/outputs/{spoken.headers['x-output-id']}/content").content
    with wave.open(io.BytesIO(stored)) as file:
        assert file.getnframes() * 2 == len(stored) - 44
    assert stored[44:] == streamed[44:]


def test_a_voice_may_be_named_as_an_object(client):
    spoken = client.audio.speech.create(model="tone", voice={"id": "tone"}, input="by id", response_format="pcm")

    assert read_tones(np.frombuffer(spoken.content, "<i2")) == "by id"


def test_fields_of_ours_go_through_extra_body(client):
    spoken = client.audio.speech.create(
        model="tts-1", voice="alloy", input="Guten Morgen.", response_format="pcm", extra_body={"language": "de", "store": False}
    )

    assert len(spoken.content) > BYTES_PER_SECOND / 4
    assert "x-output-id" not in spoken.response.headers


def test_speed_changes_the_length(client):
    def length(speed: float) -> int:
        return len(
            client.audio.speech.create(model="tts-1", voice="alloy", input="How long is this?", response_format="pcm", speed=speed).content
        )

    assert 1.6 < length(1.0) / length(2.0) < 2.4


def test_it_lists_the_models(client):
    models = {model.id for model in client.models.list()}

    assert {"tts-1", "tts-1-hd", "gpt-4o-mini-tts", "flite", "espeak", "tone"} <= models
    assert client.models.retrieve("tts-1").id == "tts-1"


def test_a_request_that_is_wrong_raises_the_clients_own_error(client):
    with pytest.raises(openai.BadRequestError) as raised:
        client.audio.speech.create(model="tts-1", voice="alloy", input="x", speed=99)

    assert (raised.value.code, raised.value.param, raised.value.type) == ("out_of_range", "speed", "invalid_request_error")
    assert raised.value.request_id


def test_a_wrong_key_raises_the_clients_own_error(system):
    with (
        openai.OpenAI(base_url=f"{system.url}/v1", api_key="sk-wrong", max_retries=0) as client,
        pytest.raises(openai.AuthenticationError) as raised,
    ):
        client.models.list()

    assert raised.value.code == "invalid_api_key"


@pytest.mark.parametrize(
    ("change", "code", "param"),
    [({"model": "gpt-9"}, "model_not_found", "model"), ({"voice": "nobody"}, "voice_not_found", "voice")],
)
def test_an_unknown_name_raises_the_clients_own_error(client, change, code, param):
    with pytest.raises(openai.NotFoundError) as raised:
        client.audio.speech.create(**{"model": "tts-1", "voice": "alloy", "input": "x", **change})

    assert (raised.value.code, raised.value.param) == (code, param)


def test_a_server_sent_stream_holds_the_audio_and_what_it_cost(system):
    import base64
    import json

    body = {"model": "tone", "voice": "tone", "input": "events", "response_format": "pcm", "stream_format": "sse"}
    with system.client() as http:
        answer = http.post("/v1/audio/speech", json=body)

    events = [json.loads(line.removeprefix("data: ")) for line in answer.text.split("\n\n") if line]
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert {event["type"] for event in events[:-1]} == {"speech.audio.delta"}
    audio = b"".join(base64.b64decode(event["audio"]) for event in events[:-1])
    assert read_tones(np.frombuffer(audio, "<i2")) == "events"
    assert events[-1] == {"type": "speech.audio.done", "usage": {"input_tokens": 6, "output_tokens": 5, "total_tokens": 11}}
