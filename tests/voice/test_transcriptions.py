"""`POST /v1/audio/transcriptions`, from the form to the text, by a real worker and what it hears."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Callable, Generator
from typing import Any, ClassVar

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from accounts.models import Quota, Usage
from jobs.models import Blob, Item, Job, Output, State
from jobs.storage import keep
from jobs.work import Work, claim
from tests.factories import make_item, make_job, make_output
from tests.voice.audio.files import wav
from tests.voice.audio.sounds import noise, sine
from tests.voice.recordings import spoken
from tests.waiting import wait_until
from voice import catalogue
from voice.audio.pcm import RATE
from voice.ears.base import Segment, Transcriber, Transcript, Wanted
from voice.engines.base import Pcm
from voice.transcriptions import transcribe

pytestmark = pytest.mark.shapes("embedded", "deployed")

ADDRESS = "/v1/audio/transcriptions"
TRANSLATIONS = "/v1/audio/translations"
BROTHER = "My brother works in a large hospital."
WEATHER = "The weather is very nice today."
HEADER = 44
HUSH = np.zeros(RATE, np.int16)


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
    assert first["start"] == pytest.approx(1.2, abs=0.3)
    assert second["start"] == pytest.approx(2.2 + len(pcm_of(BROTHER)) / RATE, abs=0.3)
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
    kept = f"/v1/outputs/{answers['vtt']['x-output-id']}/timestamps"
    assert [word["word"] for word in client.get(kept).json()["words"]] == verbose["text"].split()
    assert client.get(f"{kept}?format=vtt").content == answers["vtt"].content


@answered
def test_what_is_not_to_be_kept_is_not(alice, client_of, worker):
    response = post(client_of(alice), spoken(WEATHER), store="false")

    assert "weather" in heard(response)
    assert "x-output-id" not in response
    assert wait_until(lambda: not Blob.objects.exists())
    assert not Output.objects.exists()


@answered
@pytest.mark.parametrize("pcm", [HUSH, noise(1000), sine(1000)], ids=["silence", "noise", "a tone"])
def test_where_nobody_speaks_the_text_is_empty(alice, client_of, worker, pcm):
    client = client_of(alice)

    verbose = post(client, wav(pcm.tobytes()), response_format="verbose_json").json()

    assert (verbose["text"], verbose["segments"], verbose["duration"]) == ("", [], 1.0)
    assert post(client, wav(pcm.tobytes()), response_format="srt").content == b""
    assert Usage.objects.filter(reused=False).get().seconds == 1.0


@answered
@pytest.mark.parametrize(
    ("sound", "status", "code"),
    [
        (wav(b""), 400, "audio_unreadable"),
        (wav(sine(50).tobytes()), 400, "audio_too_short"),
        (wav(sine(300).tobytes(), rate=4_000_000_000), 400, "audio_unreadable"),
        (b"OggS\0" + bytes(500), 400, "audio_unreadable"),
    ],
    ids=["no samples", "too short", "4 GHz", "a damaged Ogg"],
)
def test_a_file_that_can_not_be_used_is_refused_and_costs_nothing(alice, client_of, worker, sound, status, code):
    response = post(client_of(alice), sound)

    assert (response.status_code, response.json()["error"]["code"]) == (status, code)
    assert not Usage.objects.exists()
    assert not Output.objects.exists()
    assert Quota.objects.get().transcription_ms_reserved == 0


@answered
def test_a_recording_that_is_too_long_is_refused(alice, client_of, worker, settings):
    settings.MAX_UPLOAD_SECONDS = 2

    response = post(client_of(alice))

    assert (response.status_code, response.json()["error"]["code"]) == (413, "audio_too_long")


@answered
def test_the_same_key_transcribes_once(alice, client_of, worker):
    client, headers = client_of(alice), {"Idempotency-Key": "k1"}

    first, again = post(client, headers=headers), post(client, headers=headers)
    other = post(client, headers=headers, prompt="Another request.")

    assert again.json() == first.json()
    assert (again["idempotent-replayed"], again["x-job-id"]) == ("true", first["x-job-id"])
    assert (other.status_code, other.json()["error"]["code"]) == (409, "idempotency_mismatch")
    assert Job.objects.count() == 1


@answered
def test_outputs_are_transcribed_by_a_brief(alice, client_of, worker):
    output = make_output(alice, SOUND)
    Output.objects.update(format="wav", media_type="audio/wav", seconds=SECONDS)
    body = {"kind": "transcription", "timestamp_granularities": ["word"], "items": [{"source": output.pk, "ref": "a", "language": "en"}]}

    job = client_of(alice).post("/v1/jobs", body, format="json").json()

    wait_until(lambda: Job.objects.get(pk=job["id"]).state == State.COMPLETED)
    item = Item.objects.get(job_id=job["id"])
    assert (job["kind"], item.actor, item.format) == ("transcription", "transcribe_in_batch", "json")
    assert Usage.objects.get(item_id=item.pk).seconds == pytest.approx(SECONDS, abs=0.01)
    told = client_of(alice).get(f"/v1/outputs/{item.output_id}/timestamps").json()
    assert "hospital" in {word["word"] for word in told["words"]}


class Interrupted(Transcriber):
    """Understands a second, and is stopped by its owner before the next."""

    name: ClassVar[str] = "pocketsphinx"
    languages: ClassVar[tuple[str, ...]] = ("en",)
    translates: ClassVar[bool] = False

    def __init__(self, work: Work) -> None:
        self._work = work

    def transcribe(self, pcm: Pcm, wanted: Wanted, *, check: Callable[[], None]) -> Transcript:
        return Transcript("en", self._segments(check))

    def _segments(self, check: Callable[[], None]) -> Generator[Segment, None, None]:
        yield Segment("one", 0.2, 1.0)
        self._work.item.cancel()
        self._work.halt()
        check()
        yield Segment("two", 1.2, 2.0)


@answered
def test_what_was_understood_before_it_was_cancelled_is_charged(alice, monkeypatch):
    source = keep(io.BytesIO(SOUND), owner_id=alice.pk, form="upload")
    resolved = {"engine": "pocketsphinx", "model": "pocketsphinx", "container": "wav", "languages": [], "translate": False}
    asked = {"prompt": "", "temperature": 0.0, "keywords": [], "timestamp_granularities": [], "pauses": {}}
    item = make_item(alice, job=make_job(alice, kind="transcription"), actor="transcribe", source=source, options=resolved | asked)
    work = claim(item.pk)
    assert work is not None
    monkeypatch.setattr(catalogue, "ears", lambda: {Interrupted.name: Interrupted(work)})

    with work:
        transcribe(work)

    item.refresh_from_db()
    assert item.state == State.CANCELLED
    assert (Usage.objects.get().kind, Usage.objects.get().seconds) == ("transcription", 1.0)
