"""What is asked for while that which it names is being deleted: refused as if it had come later, and nothing of it is left."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from rest_framework.test import APIClient

from accounts.models import User
from accounts.replays import Asked
from jobs.models import Blob, Job
from tests.factories import make_consent, make_sample, make_voice, make_worker
from tests.voice.recordings import recording, spoken
from tests.waiting import TIMEOUT_S
from voice import custom_voices, registry
from voice.conversions import ConversionRequest, request_conversion
from voice.custom_requests import NewVoice
from voice.errors import ModelNotFound, VoiceNotFound
from voice.models import Model, Task, Voice
from voice.requests import SpeechRequest
from voice.services import request_speech

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.shapes("deployed")]

ASKED = Asked(fingerprint="", key=None, attempt=None)
LOOK = 0.5
# seconds in which a request has found what it names, and waits for what is under way


def meanwhile(delete: Callable[[], object], ask: Callable[[], Any]) -> Any:
    """What comes of a request that is begun before a deletion is committed, and ends after it."""

    def apart() -> Any:
        try:
            return ask()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as thread:
        with transaction.atomic():
            delete()
            asked = thread.submit(apart)
            wait([asked], LOOK)
        return asked.result(TIMEOUT_S)


@pytest.fixture
def voice(alice: User) -> Voice:
    make_worker()
    return make_voice(owner=alice)


@pytest.mark.parametrize("key", [None, "k"])
def test_a_line_in_a_deleted_voice(alice, voice, key):
    speech = SpeechRequest.model_validate({"model": "flite", "voice": voice.pk, "input": "Hello."})
    asked = Asked(fingerprint="", key=key, attempt=None)

    with pytest.raises(VoiceNotFound):
        meanwhile(
            lambda: custom_voices.delete_voice(voice),
            lambda: request_speech(owner=alice, api_key=None, speech=speech, streamed=True, fresh=False, asked=asked),
        )

    assert not Job.objects.exists()


@pytest.mark.parametrize("form", ["json", "multipart"])
def test_a_brief_names_the_line(alice, voice, client_of: Callable[[User], APIClient], form):
    line = {"input": "Hello.", "voice": voice.pk}
    lines = {"items": [line]} if form == "json" else {"file": SimpleUploadedFile("lines.jsonl", json.dumps(line).encode())}
    client = client_of(alice)

    response = meanwhile(
        lambda: custom_voices.delete_voice(voice), lambda: client.post("/v1/jobs", {"model": "flite", **lines}, format=form)
    )

    error = response.json()["error"]
    assert (response.status_code, error["code"], error["param"]) == (404, "voice_not_found", "items[0].voice")


def test_a_conversion_into_a_deleted_voice_leaves_no_file(alice, voice):
    Model.objects.create(name="freevc", engine="coqui", task=Task.CONVERSION)
    sha256 = hashlib.sha256(spoken()).hexdigest()

    def ask() -> Any:
        wanted = ConversionRequest.model_validate({"voice": voice.pk})
        return request_conversion(owner=alice, api_key=None, wanted=wanted, upload=recording(), fresh=False, asked=ASKED)

    with pytest.raises(VoiceNotFound):
        meanwhile(lambda: custom_voices.delete_voice(voice), ask)

    assert not Blob.objects.exists()
    assert not default_storage.exists(f"{alice.pk}/{sha256[:2]}/{sha256}.upload")


def test_a_voice_of_a_model_that_is_forgotten(alice, worker):
    model = Model.objects.create(name="clone", engine="tone", clones=True)
    wanted = NewVoice.model_validate({"name": "anna", "consent": make_consent(alice).pk, "model": "clone"})

    with pytest.raises(ModelNotFound):
        meanwhile(
            lambda: registry.forget(model),
            lambda: custom_voices.create_voice(owner=alice, api_key=None, wanted=wanted, upload=recording(), asked=ASKED),
        )

    assert not Voice.objects.of(alice).exists()


def test_a_deleted_voice_gets_no_other_name(alice, voice):
    custom_voices.delete_voice(Voice.objects.get())

    with pytest.raises(VoiceNotFound):
        custom_voices.rename_voice(owner=alice, voice=voice, name="berta")


def test_a_deletion_that_comes_to_nothing_leaves_the_samples(voice):
    sample = make_sample(voice)

    with transaction.atomic():
        custom_voices.delete_voice(voice)
        transaction.set_rollback(True)

    assert default_storage.exists(sample.blob_id)
