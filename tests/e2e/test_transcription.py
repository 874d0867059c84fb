"""The unmodified `openai` package has speech transcribed, as its documentation says."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
import openai
import pytest
import soxr

from tests.e2e.system import System
from tests.e2e.test_briefs import finished
from tests.voice.audio.files import M4A, WEBM, encoded, muxed, wav
from tests.voice.recordings import spoken
from voice.audio.pcm import RATE

pytestmark = pytest.mark.shapes("deployed")

BROTHER = "My brother works in a large hospital."
WEATHER = "The weather is very nice today."
WORDS = {"brother", "works", "hospital", "weather", "today"}
HEADER = 44
HUSH = np.zeros(RATE * 7 // 10, np.int16)


def said(text: str) -> np.ndarray:
    data = spoken(text)
    return np.frombuffer(data[HEADER : len(data) - len(data) % 2], "<i2")


SOUND = np.concatenate([said(BROTHER), HUSH, said(WEATHER)])


@pytest.fixture
def client(system: System) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{system.url}/v1", api_key=system.key, max_retries=0) as client:
        yield client


@pytest.mark.parametrize("model", ["whisper-1", "gpt-4o-transcribe", "gpt-4o-mini-transcribe", "pocketsphinx"])
def test_it_transcribes_a_wav(client, model):
    heard = client.audio.transcriptions.create(model=model, file=("speech.wav", wav(SOUND.tobytes())))

    assert set(heard.text.split()) >= WORDS
    assert (heard.usage.type, heard.usage.seconds) == ("duration", pytest.approx(SOUND.size / RATE, abs=0.01))


def test_it_answers_in_every_format(client):
    def transcribed(form, **fields):
        return client.audio.transcriptions.create(
            model="whisper-1", file=("speech.wav", wav(SOUND.tobytes())), response_format=form, **fields
        )

    verbose = transcribed("verbose_json", timestamp_granularities=["word", "segment"], language="en", prompt="A hospital.", temperature=0.2)
    text, srt, vtt = transcribed("text"), transcribed("srt"), transcribed("vtt")
    probable = transcribed("json", include=["logprobs"], chunking_strategy="auto")
    tuned = transcribed("json", chunking_strategy={"type": "server_vad", "silence_duration_ms": 3000, "prefix_padding_ms": 100})

    assert (verbose.language, verbose.duration) == ("english", pytest.approx(SOUND.size / RATE, abs=0.01))
    assert [segment.id for segment in verbose.segments] == [0, 1]
    assert {word.word for word in verbose.words} >= WORDS
    assert verbose.segments[0].end < verbose.segments[1].start
    assert set(text.split()) >= WORDS
    assert srt.startswith("1\n00:00:00,")
    assert vtt.startswith("WEBVTT\n\n00:00:00.")
    assert {one.token for one in probable.logprobs} >= WORDS
    assert set(tuned.text.split()) >= WORDS


def test_it_streams_each_segment_as_it_is_understood(client):
    with client.audio.transcriptions.create(
        model="gpt-4o-transcribe", file=("speech.wav", wav(SOUND.tobytes())), stream=True, timestamp_granularities=["segment"]
    ) as stream:
        events = list(stream)

    assert [event.type.rpartition(".")[2] for event in events] == ["delta", "segment", "delta", "segment", "done"]
    done = events[-1]
    assert done.text == "".join(event.delta for event in events if event.type == "transcript.text.delta")
    assert set(done.text.split()) >= WORDS
    assert done.usage.total_tokens == done.usage.input_tokens + done.usage.output_tokens
    assert events[1].end < events[3].start


@pytest.mark.parametrize("form", ["mp3", "flac", "ogg", "webm", "m4a"])
def test_it_takes_what_people_record(client, form):
    pcm = said(WEATHER)
    if form in {"webm", "m4a"}:
        muxer, codec, rate = WEBM if form == "webm" else M4A
        data = muxed(soxr.resample(pcm, RATE, rate).astype(np.int16), muxer, codec, rate)
    else:
        data = encoded(pcm, "opus" if form == "ogg" else form)

    heard = client.audio.transcriptions.create(model="whisper-1", file=(f"speech.{form}", data), response_format="text")

    assert {"weather", "today"} & set(heard.split()), heard


@pytest.mark.parametrize(
    ("change", "error", "code"),
    [
        ({"model": "gpt-9"}, openai.NotFoundError, "model_not_found"),
        ({"model": "tts-1"}, openai.BadRequestError, "unsupported_model"),
        ({"response_format": "diarized_json"}, openai.BadRequestError, "diarization_unavailable"),
        ({"known_speaker_names": ["a"]}, openai.BadRequestError, "diarization_unavailable"),
        ({"language": "de"}, openai.BadRequestError, "unsupported_language"),
        ({"file": ("x.wav", b"<html>" * 100)}, openai.APIStatusError, "audio_format_unsupported"),
    ],
)
def test_what_can_not_be_done_raises_the_clients_own_error(client, change, error, code):
    with pytest.raises(error) as raised:
        client.audio.transcriptions.create(**{"model": "whisper-1", "file": ("speech.wav", wav(SOUND.tobytes())), **change})

    assert raised.value.code == code


def test_nobody_here_translates_without_a_model_that_does(client):
    with pytest.raises(openai.BadRequestError) as raised:
        client.audio.translations.create(model="whisper-1", file=("speech.wav", wav(SOUND.tobytes())))

    assert (raised.value.code, raised.value.param) == ("unsupported_model", "model")


def test_an_output_is_transcribed_by_a_brief(system):
    with system.client() as http:
        made = http.post("/v1/audio/speech", json={"model": "tts-1", "voice": "slt", "input": BROTHER})
        brief = {"kind": "transcription", "model": "whisper-1", "items": [{"source": made.headers["x-output-id"], "ref": "a"}]}
        job = finished(http, http.post("/v1/jobs", json=brief).json()["id"])
        output = http.get(f"/v1/jobs/{job['id']}/items").json()["data"][0]["output_id"]
        kept = json.loads(http.get(f"/v1/outputs/{output}/content").content)
        subtitles = http.get(f"/v1/outputs/{output}/timestamps?format=srt").text

    assert {"brother", "works", "hospital"} <= set(kept["text"].split())
    assert subtitles.startswith("1\n00:00:0")
