"""Audio that somebody sends, from the request to what is kept of it, by a real worker."""

from __future__ import annotations

import io
import struct
import wave
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import numpy as np
import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.db.models.functions import Now

from accounts.models import Plan, Quota, Usage
from config.errors import Overloaded, Refusal
from jobs.errors import StorageFull
from jobs.models import Blob, Item, Job, Output, State
from jobs.purging import purge
from jobs.storage import keep
from tests.factories import make_output, make_worker
from tests.voice.audio.files import M4A, encoded, muxed, wav, with_id3
from tests.voice.audio.sounds import noise, pitch, sine
from voice import intake
from voice.audio.pcm import RATE, Resampler
from voice.engines.base import Utterance
from voice.engines.flite import Flite
from voice.intake import Intake, examine
from voice.sources import read_pcm
from voice.uploads import Purpose

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.shapes("embedded", "deployed")]

TONE = sine(2_000)
SECRET = b"<script>GPS 48.1 11.5</script>"


def examined(owner, data: bytes, purpose: Purpose = Purpose.SOURCE, **fields) -> Intake:
    upload = SimpleUploadedFile("../../x.png", data, "image/png")
    return examine(owner=owner, api_key=None, upload=upload, purpose=purpose, **fields)


def refused(owner, data: bytes, purpose: Purpose = Purpose.SOURCE, **fields) -> Refusal:
    with pytest.raises(Refusal) as caught:
        examined(owner, data, purpose, **fields)
    return caught.value


def nothing_left() -> bool:
    return not any(rows.objects.exists() for rows in (Blob, Job, Item, Output, Usage))


@pytest.mark.parametrize("form", ["wav", "mp3", "flac", "opus", "aac"])
def test_what_is_kept_is_plain_sound_and_nothing_else(alice, worker, form):
    made = examined(alice, encoded(TONE, form))

    assert made.seconds == pytest.approx(2, abs=0.1)
    assert Blob.objects.get() == made.blob
    assert made.blob.owner == alice
    with default_storage.open(made.blob.pk) as file, wave.open(io.BytesIO(file.read())) as sound:
        assert (sound.getnchannels(), sound.getsampwidth(), sound.getframerate()) == (1, 2, RATE)
        assert sound.getnframes() == round(made.seconds * RATE)
    assert made.blob.bytes == 44 + 2 * round(made.seconds * RATE)
    assert pitch(read_pcm(made.blob)) == pytest.approx(440, abs=2)


def test_a_wav_comes_out_sample_by_sample(alice, worker):
    assert np.array_equal(read_pcm(examined(alice, wav(TONE.tobytes())).blob), TONE)


IN_RIFF = b"LIST" + struct.pack("<I", 12 + len(SECRET)) + b"INFOICMT" + struct.pack("<I", len(SECRET)) + SECRET


@pytest.mark.parametrize(
    "data",
    [
        with_id3(encoded(TONE, "mp3"), SECRET),
        muxed(sine(2_000, rate=44_100), *M4A, metadata={"comment": SECRET.decode()}),
        wav(TONE.tobytes(), extra=IN_RIFF),
        wav(TONE.tobytes()) + SECRET,
    ],
    ids=["ID3", "MP4", "RIFF", "behind the end"],
)
def test_nothing_that_was_said_beside_the_sound_is_kept(alice, worker, data):
    assert SECRET in data

    made = examined(alice, data)

    with default_storage.open(made.blob.pk) as file:
        assert SECRET not in file.read()
    assert Blob.objects.count() == 1


def test_it_costs_nothing_and_is_shown_nowhere(alice, worker, client_of):
    Plan.objects.create(name="none left", is_default=True, characters=0, speech_seconds=0, transcription_seconds=0, conversion_seconds=0)

    examined(alice, encoded(TONE, "mp3"))

    assert not any(rows.objects.exists() for rows in (Job, Item, Output, Usage))
    quota = Quota.objects.get()
    assert (quota.characters, quota.characters_reserved, quota.speech_ms, quota.speech_ms_reserved) == (0, 0, 0, 0)
    assert client_of(alice).get("/v1/jobs").json()["data"] == []


@pytest.mark.parametrize(
    ("data", "purpose", "code", "status"),
    [
        (b"", Purpose.SOURCE, "empty_file", 400),
        (b"ffconcat version 1.0\nfile '/etc/passwd'\n", Purpose.SOURCE, "audio_format_unsupported", 415),
        (wav(TONE.tobytes(), rate=1), Purpose.SOURCE, "audio_format_unsupported", 415),
        (b"fLaC" + bytes(1_000), Purpose.SOURCE, "audio_unreadable", 400),
        (wav(bytes(2 * RATE)), Purpose.CONSENT, "audio_silent", 400),
        (wav(TONE[:500].tobytes()), Purpose.SOURCE, "audio_too_short", 400),
        (wav(TONE[: RATE // 2].tobytes()), Purpose.CONSENT, "audio_too_short", 400),
        (encoded(sine(31_000), "opus"), Purpose.SAMPLE, "audio_too_long", 413),
        (encoded(sine(61_000), "opus"), Purpose.CONSENT, "audio_too_long", 413),
        (wav(TONE.tobytes()), Purpose.SAMPLE, "sample_too_short", 400),
        (wav(noise(4_000).tobytes()), Purpose.SAMPLE, "sample_noisy", 400),
        (bytes(11 << 20), Purpose.SAMPLE, "upload_too_large", 413),
    ],
)
def test_what_can_not_be_used_is_refused_and_leaves_nothing(alice, worker, data, purpose, code, status):
    refusal = refused(alice, data, purpose, param="audio_sample")

    assert (refusal.code, refusal.status, refusal.param) == (code, status, "audio_sample")
    assert nothing_left()


def test_a_sample_is_judged_and_what_was_measured_is_told(alice, worker):
    resampler = Resampler(16_000)
    text = "The birch canoe slid on the smooth planks. Glue the sheet to the dark blue background."
    pcm = np.concatenate([resampler.push(block) for block in Flite().synthesize(Utterance(text, "slt", "en-us"))])

    made = examined(alice, encoded(pcm, "flac"), Purpose.SAMPLE)

    assert made.findings["pitches"] == [pytest.approx(166, abs=10)]
    assert made.findings["seconds"] == round(made.seconds, 2)


def test_what_is_kept_already_is_not_lost_when_it_is_sent_again(alice, worker):
    output = make_output(alice, blob=keep(io.BytesIO(wav(TONE.tobytes())), owner_id=alice.pk, form="wav"))

    made = examined(alice, wav(TONE.tobytes()))

    assert made.blob == output.blob
    assert default_storage.exists(output.blob_id)


def test_the_same_file_sent_many_times_at_once_is_taken_every_time(alice, worker):
    def send(_: int) -> Blob:
        try:
            return examined(alice, wav(TONE.tobytes())).blob
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        blobs = set(pool.map(send, range(12)))

    assert blobs == set(Blob.objects.all())
    assert len(blobs) == 1


def test_many_send_at_once_and_each_gets_his_own(alice, bob, worker):
    def send(hz: int) -> float:
        try:
            made = examined(alice if hz % 200 else bob, encoded(sine(1_000, hz), "flac"))
            return float(pitch(read_pcm(made.blob)))
        finally:
            connection.close()

    tones = range(300, 1_100, 100)
    with ThreadPoolExecutor(4) as pool:
        heard = list(pool.map(send, tones))

    assert heard == [pytest.approx(hz, abs=2) for hz in tones]


def test_a_full_storage_takes_nothing_more(alice, worker):
    Plan.objects.create(name="small", is_default=True, stored_bytes=1_000)

    with pytest.raises(StorageFull):
        examined(alice, wav(TONE.tobytes()))

    assert nothing_left()
    assert not any(default_storage.listdir(f"{alice.pk}/{folder}")[1] for folder in default_storage.listdir(str(alice.pk))[0])


def test_without_a_worker_nothing_is_kept(alice):
    assert refused(alice, wav(TONE.tobytes())).code == "overloaded"

    assert nothing_left()


def test_what_no_worker_has_time_for_is_given_up(alice, monkeypatch):
    make_worker()
    monkeypatch.setattr(intake, "PATIENCE", 0.2)

    with pytest.raises(Overloaded):
        examined(alice, wav(TONE.tobytes()))

    assert Item.objects.get().state == State.CANCELLED
    Job.objects.update(finished_at=Now() - timedelta(hours=2))
    Blob.objects.update(kept_at=Now() - timedelta(hours=2))
    purge()
    assert nothing_left()


def test_what_nobody_names_is_purged_after_an_hour(alice, worker):
    made = examined(alice, wav(TONE.tobytes()))
    purge()
    assert default_storage.exists(made.blob.pk)

    Blob.objects.update(kept_at=Now() - timedelta(hours=2))
    purge()

    assert nothing_left()
    assert not default_storage.exists(made.blob.pk)


def test_it_is_not_waited_for_within_a_transaction(alice):
    with pytest.raises(RuntimeError), transaction.atomic():
        examined(alice, wav(TONE.tobytes()))
