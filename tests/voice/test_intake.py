from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from config.errors import Refusal
from jobs.models import Blob, Item, Job, Output
from tests.voice.audio.sounds import sine
from voice.audio.encode import Encoder
from voice.intake import examine, read_pcm
from voice.uploads import Purpose

pytestmark = pytest.mark.django_db(transaction=True)


def upload(pcm, form="mp3"):
    with Encoder(form) as encoder:
        return SimpleUploadedFile(f"x.{form}", encoder.encode(pcm) + encoder.finish())


def test_it_works(alice, worker):
    intake = examine(owner=alice, api_key=None, upload=upload(sine(5000)), purpose=Purpose.SOURCE)

    assert abs(intake.seconds - 5) < 0.1
    assert read_pcm(intake.blob).size == round(intake.seconds * 24000)
    assert (Job.objects.count(), Item.objects.count(), Output.objects.count()) == (0, 0, 0)
    assert Blob.objects.get() == intake.blob


def test_refused(alice, worker):
    with pytest.raises(Refusal) as caught:
        examine(owner=alice, api_key=None, upload=upload(sine(50), "wav"), purpose=Purpose.SOURCE, param="audio_sample")
    assert (caught.value.code, caught.value.status, caught.value.param) == ("audio_too_short", 400, "audio_sample")
    assert not Blob.objects.exists()
