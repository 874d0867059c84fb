"""`POST /v1/audio/transcriptions`, from the form to the text, by a real worker and what it hears."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from accounts.models import Quota, Usage
from jobs.models import Item
from tests.voice.audio.files import wav
from tests.voice.recordings import spoken
from voice.audio.pcm import RATE

ADDRESS = "/v1/audio/transcriptions"
TRANSLATIONS = "/v1/audio/translations"
BROTHER = "My brother works in a large hospital."
WEATHER = "The weather is very nice today."
HEADER = 44
HUSH = np.zeros(RATE * 3 // 2, np.int16)


def pcm_of(text: str) -> Any:
    data = spoken(text)
    return np.frombuffer(data[HEADER : len(data) - len(data) % 2], "<i2")


TWO = np.concatenate([HUSH, pcm_of(BROTHER), HUSH, pcm_of(WEATHER), HUSH])
SOUND = wav(TWO.tobytes())
SECONDS = TWO.size / RATE


def post(client: APIClient, sound: bytes = SOUND, address: str = ADDRESS, **fields: Any) -> Any:
    headers = fields.pop("headers", {})
    form = {"model": "whisper-1", "file": SimpleUploadedFile("x.bin", sound, "text/html"), **fields}
    return client.post(address, {name: value for name, value in form.items() if value is not None}, format="multipart", headers=headers)


def read(response: Any) -> bytes:
    """What a streamed answer comes to."""

    async def collect() -> bytes:
        return b"".join([part async for part in response])

    return asyncio.run(collect())


def heard(response: Any) -> set[str]:
    assert response.status_code == 200, response.content
    return set(response.json()["text"].split())


# ── What comes of it ────────────────────────────────────────────────────────────────────────────────────────────────────────

answered = pytest.mark.django_db(transaction=True)


@answered
def test_what_is_said_is_told_kept_and_charged_by_the_second(alice, client_of, worker):
    client = client_of(alice)

    response = post(client)

    assert {"brother", "works", "hospital", "weather", "today"} <= heard(response)
    assert response.json()["usage"] == {"type": "duration", "seconds": pytest.approx(SECONDS, abs=0.01)}
    usage = Usage.objects.get()
    assert (usage.kind, usage.model) == ("transcription", "pocketsphinx")
    assert usage.seconds == pytest.approx(SECONDS, abs=0.01)
    quota = Quota.objects.get()
    assert (quota.transcription_ms, quota.transcription_ms_reserved) == (usage.milliseconds, 0)
    kept = json.loads(read(client.get(f"/v1/outputs/{response['x-output-id']}/content")))
    assert kept["text"] == response.json()["text"] == " ".join(segment["text"] for segment in kept["segments"])


@answered
def test_every_format_is_written_from_what_was_heard_once(alice, client_of, worker):
    client = client_of(alice)
    granular: dict[str, Any] = {"timestamp_granularities[]": ["word", "segment"]}

    verbose = post(client, response_format="verbose_json", **granular).json()
    answers = {form: post(client, response_format=form, **granular) for form in ("text", "srt", "vtt", "json")}

    assert (verbose["task"], verbose["language"], verbose["duration"]) == ("transcribe", "english", pytest.approx(SECONDS, abs=0.01))
    first, second = verbose["segments"]
    assert (first["id"], second["id"]) == (0, 1)
    assert first["start"] == pytest.approx(1.5, abs=0.3)
    assert second["start"] == pytest.approx(3 + len(pcm_of(BROTHER)) / RATE, abs=0.3)
    assert [word["word"] for word in verbose["words"]] == verbose["text"].split()
    assert all(0 <= word["start"] < word["end"] <= SECONDS for word in verbose["words"])
    assert answers["text"].content.decode() == verbose["text"] + "\n"
    assert answers["srt"].content.decode().startswith("1\n00:00:0")
    assert answers["vtt"].content.decode().startswith("WEBVTT\n")
    assert {form: answer["content-type"] for form, answer in answers.items() if form != "json"} == dict.fromkeys(
        ("text", "srt", "vtt"), "text/plain; charset=utf-8"
    )
    assert {answer["x-cache"] for answer in answers.values()} == {"hit"}
    assert Item.objects.filter(attempt=1).count() == 1
