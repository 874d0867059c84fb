"""What transcriptions, translations and briefs for them say no to, before anything is kept, queued or charged."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import Plan, Scope, Usage
from accounts.tokens import issue_key
from jobs.models import Blob, Job, Output
from tests.factories import make_output
from tests.voice.test_transcriptions import SOUND, TRANSLATIONS, post
from voice.models import Model, ModelAlias

pytestmark = [pytest.mark.usefixtures("catalogue"), pytest.mark.django_db]


def refused(response: Any, *, status: int = 400) -> Any:
    assert response.status_code == status, response.content
    assert not any(rows.objects.exists() for rows in (Job, Blob, Usage))
    return response.json()["error"]


@pytest.mark.parametrize(
    ("change", "status", "code", "param"),
    [
        ({"model": None, "prompt": "x"}, 400, "missing_required_parameter", "model"),
        ({"file": None}, 400, "missing_required_parameter", "file"),
        ({"file": "text"}, 400, "missing_required_parameter", "file"),
        ({"model": "gpt-9"}, 404, "model_not_found", "model"),
        ({"model": "tts-1"}, 400, "unsupported_model", "model"),
        ({"model": "flite"}, 400, "unsupported_model", "model"),
        ({"language": "de"}, 400, "unsupported_language", "language"),
        ({"language": "e n"}, 400, "invalid_value", "language"),
        ({"languages[]": ["de", "fr"]}, 400, "unsupported_language", "language"),
        ({"response_format": "xml"}, 400, "invalid_value", "response_format"),
        ({"response_format": "diarized_json"}, 400, "diarization_unavailable", "response_format"),
        ({"known_speaker_names[]": ["anna"]}, 400, "diarization_unavailable", "known_speaker_names"),
        ({"temperature": "1.1"}, 400, "out_of_range", "temperature"),
        ({"temperature": "nan"}, 400, "out_of_range", "temperature"),
        ({"stream": "perhaps"}, 400, "invalid_type", "stream"),
        ({"stream": "true", "response_format": "srt"}, 400, "invalid_value", None),
        ({"timestamp_granularities[]": ["sentence"]}, 400, "invalid_value", "timestamp_granularities[0]"),
        ({"include[]": ["everything"]}, 400, "invalid_value", "include[0]"),
        ({"chunking_strategy[type]": "never"}, 400, "invalid_value", "chunking_strategy.type"),
        ({"chunking_strategy": "now"}, 400, "invalid_value", "chunking_strategy"),
        ({"chunking_strategy": "{"}, 400, "invalid_value", "chunking_strategy"),
        ({"prompt": "a\u0001b"}, 400, "invalid_character", "prompt"),
        ({"prompt": "x" * 5000}, 400, "too_long", "prompt"),
        ({"owner": "bob"}, 400, "unknown_field", "owner"),
        ({"expires_after": "1"}, 400, "out_of_range", "expires_after"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_kept(alice, client_of, change, status, code, param):
    error = refused(post(client_of(alice), **change), status=status)

    assert (error["code"], error["param"]) == (code, param)


@pytest.mark.parametrize(
    ("sound", "status", "code"),
    [(b"", 400, "empty_file"), (b"<html>" * 100, 415, "audio_format_unsupported"), (b"PK\3\4", 415, "audio_format_unsupported")],
)
def test_what_is_no_audio_is_refused_at_once(alice, client_of, sound, status, code):
    error = refused(post(client_of(alice), sound), status=status)

    assert (error["code"], error["param"]) == (code, "file")


def test_a_file_that_is_too_large_is_refused_at_once(alice, client_of, settings):
    settings.MAX_UPLOAD_BYTES = 1024

    assert refused(post(client_of(alice)), status=413)["code"] == "upload_too_large"


def test_nobody_translates_without_a_model_that_does(alice, client_of):
    error = refused(post(client_of(alice), address=TRANSLATIONS))

    assert (error["code"], error["param"]) == ("unsupported_model", "model")
    assert "none here" in error["message"]


def test_a_translation_takes_what_openais_does_and_no_more(alice, client_of):
    assert refused(post(client_of(alice), address=TRANSLATIONS, language="en"))["code"] == "unknown_field"


def test_a_model_that_is_disabled_or_an_alias_of_one_is_not_found(alice, client_of):
    Model.objects.filter(pk="pocketsphinx").update(enabled=False)

    for name in ("pocketsphinx", "whisper-1"):
        assert refused(post(client_of(alice), model=name), status=404)["code"] == "model_not_found"


def test_the_names_of_openais_models_stand_for_one_that_transcribes(alice, client_of):
    names = {"whisper-1", "gpt-4o-transcribe", "gpt-4o-mini-transcribe", "gpt-4o-transcribe-diarize"}

    assert dict(ModelAlias.objects.filter(pk__in=names).values_list("pk", "model_id")) == dict.fromkeys(names, "pocketsphinx")
    shown = client_of(alice).get("/v1/models/pocketsphinx").json()
    assert (shown["task"], shown["languages"], shown["translates"]) == ("transcription", ["en"], False)


def test_seconds_that_the_plan_does_not_have_are_refused(alice, client_of):
    Plan.objects.create(name="small", is_default=True, transcription_seconds=5)

    response = post(client_of(alice))

    assert refused(response, status=429)["code"] == "insufficient_quota"
    assert response["x-should-retry"] == "false"


def test_a_key_without_the_scope_may_not(alice):
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {issue_key(owner=alice, name='k', scopes=[Scope.SPEECH])[1]}")

    assert refused(post(client), status=403)["code"] == "insufficient_scope"


@pytest.mark.parametrize(
    ("change", "code", "param"),
    [
        ({"response_format": "mp3"}, "invalid_request", "response_format"),
        ({"items": [{"input": "x"}]}, "invalid_request", "items[0].source"),
        ({"items": [{"source": "out_none"}]}, "output_not_found", "items[0].source"),
        ({"model": "flite"}, "unsupported_model", "items[0].model"),
        ({"language": "de"}, "unsupported_language", "items[0].language"),
        ({"kind": "magic"}, "invalid_value", "kind"),
    ],
)
def test_a_brief_that_can_not_be_transcribed_names_what_is_wrong(alice, client_of, change, code, param):
    output = make_output(alice, SOUND)
    Output.objects.update(format="wav")
    before = Job.objects.count()

    response = client_of(alice).post("/v1/jobs", {"kind": "transcription", "items": [{"source": output.pk}], **change}, format="json")

    error = response.json()["error"]
    assert (error["code"], error["param"]) == (code, param)
    assert Job.objects.count() == before


@pytest.mark.parametrize("form", ["pcm", "json"])
def test_what_is_no_sound_in_a_container_is_not_worked_on(alice, client_of, form):
    output = make_output(alice)
    Output.objects.update(format=form)

    response = client_of(alice).post("/v1/jobs", {"kind": "transcription", "items": [{"source": output.pk}]}, format="json")

    assert (response.status_code, response.json()["error"]["code"]) == (415, "audio_format_unsupported")


def test_another_tenants_output_is_not_found(alice, bob, client_of):
    output = make_output(bob, SOUND)

    response = client_of(alice).post("/v1/jobs", {"kind": "transcription", "items": [{"source": output.pk}]}, format="json")

    assert (response.status_code, response.json()["error"]["code"]) == (404, "output_not_found")
