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
from tests.voice.recordings import spoken

pytestmark = pytest.mark.shapes("deployed")

FORMATS = ["mp3", "opus", "aac", "flac", "wav", "pcm"]
BYTES_PER_SECOND = 48_000
SAMPLE = "My brother works in a large hospital, and he is reading a book about history. The train to the city leaves in the morning."


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


# ── Voices of one's own ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def cloning(system: System) -> None:
    """A model that is said to speak like a sample, over the tone engine."""
    fields = "engine='tone', verbatim=True, clones=True, preference=1"
    system.shell(f"from voice.models import Model; Model.objects.get_or_create(name='clone', defaults=dict({fields}))")


@pytest.mark.usefixtures("cloning")
def test_a_voice_is_made_of_a_consent_and_a_sample_and_speaks(client):
    consent = client.audio.voice_consents.create(name="Anna", language="en-US", recording=("consent.mp3", spoken(form="mp3")))
    assert (consent.object, consent.name, consent.language) == ("audio.voice_consent", "Anna", "en-US")
    assert client.audio.voice_consents.retrieve(consent.id).name == "Anna"
    assert client.audio.voice_consents.update(consent.id, name="Berta").name == "Berta"

    voice = client.audio.voices.create(name="Berta", consent=consent.id, audio_sample=("sample.wav", spoken(SAMPLE), "audio/wav"))

    assert (voice.object, voice.name, voice.type) == ("audio.voice", "Berta", "audio_sample")
    made = client.audio.speech.create(model="clone", voice={"id": voice.id}, input="mine", response_format="pcm")
    assert read_tones(np.frombuffer(made.content, "<i2")) == "mine"
    with pytest.raises(openai.ConflictError) as raised:
        client.audio.voices.create(name="Berta", consent=consent.id, audio_sample=spoken(SAMPLE))
    assert raised.value.code == "name_taken"

    gone = client.audio.voices.delete(voice.id)
    assert (gone.id, gone.object, gone.deleted) == (voice.id, "audio.voice.deleted", True)
    with pytest.raises(openai.NotFoundError):
        client.audio.speech.create(model="clone", voice={"id": voice.id}, input="mine")
    ended = client.audio.voice_consents.delete(consent.id)
    assert (ended.id, ended.object, ended.deleted) == (consent.id, "audio.voice_consent", True)


def test_consents_are_listed_by_pages(client):
    made = {
        client.audio.voice_consents.create(name=f"{number}", language="de", recording=("consent.wav", spoken(SAMPLE))).id
        for number in range(3)
    }

    listed = [consent.id for consent in client.audio.voice_consents.list(limit=2)]

    assert made <= set(listed)
    assert len(listed) == len(set(listed))


@pytest.mark.usefixtures("cloning")
def test_a_revoked_consent_silences_its_voice(client):
    consent = client.audio.voice_consents.create(name="Carla", language="en", recording=spoken())
    voice = client.audio.voices.create(name="Carla", consent=consent.id, audio_sample=spoken(SAMPLE))

    client.audio.voice_consents.delete(consent.id)

    with pytest.raises(openai.PermissionDeniedError) as raised:
        client.audio.speech.create(model="clone", voice={"id": voice.id}, input="no more")
    assert raised.value.code == "voice_revoked"
    client.audio.voices.delete(voice.id)


def test_a_voice_made_of_words_is_refused(client):
    with pytest.raises(openai.BadRequestError) as raised:
        client.audio.voices.create(type="prompt", name="sailor", prompt="an old sailor")

    assert (raised.value.code, raised.value.param) == ("unsupported_voice_type", "type")
