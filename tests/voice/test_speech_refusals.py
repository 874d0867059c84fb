"""What `POST /v1/audio/speech` says no to: a 4xx in the one shape, nothing charged, nothing stored, nothing queued."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import override_settings
from rest_framework.test import APIClient

from accounts.models import Usage
from jobs.models import Job, Worker
from tests.factories import make_voice
from voice.models import Model, Voice

ADDRESS = "/v1/audio/speech"
GOOD = {"model": "tts-1", "voice": "alloy", "input": "Hello."}


def refused(client: APIClient, body: Any, *, status: int = 400) -> Any:
    """The error that a body is answered with, after a look that nothing came of it."""
    if isinstance(body, dict):
        body = json.dumps(body)
    response = client.post(ADDRESS, body, content_type="application/json")
    assert response.status_code == status, response.content
    assert response["x-request-id"].startswith("req_")
    assert not Job.objects.exists()
    assert not Usage.objects.exists()
    error = response.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    return error


pytestmark = pytest.mark.usefixtures("catalogue")


def test_an_empty_body(alice, client_of):
    assert refused(client_of(alice), "")["code"] == "invalid_request"


@pytest.mark.parametrize("missing", ["model", "voice", "input"])
def test_a_field_that_is_missing(alice, client_of, missing):
    error = refused(client_of(alice), {name: value for name, value in GOOD.items() if name != missing})

    assert (error["code"], error["param"]) == ("missing_required_parameter", missing)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"input": True}, "invalid_type"),
        ({"input": 5}, "invalid_type"),
        ({"input": {"text": "x"}}, "invalid_type"),
        ({"input": ["x"]}, "invalid_type"),
        ({"input": None}, "invalid_type"),
        ({"voice": 5}, "invalid_type"),
        ({"voice": {"id": 5}}, "invalid_type"),
        ({"voice": {"id": "alloy", "x": 1}}, "invalid_type"),
        ({"voice": ""}, "too_short"),
        ({"voice": "x" * 300}, "too_long"),
        ({"model": ""}, "too_short"),
        ({"model": False}, "invalid_type"),
        ({"speed": "1"}, "invalid_type"),
        ({"speed": True}, "invalid_type"),
        ({"speed": "1,0"}, "invalid_type"),
        ({"speed": 0}, "out_of_range"),
        ({"speed": -1}, "out_of_range"),
        ({"speed": 1e9}, "out_of_range"),
        ({"speed": 0.24}, "out_of_range"),
        ({"speed": 4.01}, "out_of_range"),
        ({"response_format": "ogg"}, "invalid_value"),
        ({"response_format": "MP3"}, "invalid_value"),
        ({"response_format": None}, "invalid_value"),
        ({"stream_format": "xml"}, "invalid_value"),
        ({"seed": 1.5}, "invalid_type"),
        ({"seed": -1}, "out_of_range"),
        ({"seed": 2**70}, "out_of_range"),
        ({"store": "false"}, "invalid_type"),
        ({"store": 1}, "invalid_type"),
        ({"instructions": "x" * 5000}, "too_long"),
        ({"language": 5}, "invalid_type"),
        ({"surprise": 1}, "unknown_field"),
        ({"owner": "bob"}, "unknown_field"),
        ({"is_staff": True}, "unknown_field"),
        ({"id": "job_x"}, "unknown_field"),
    ],
)
def test_a_field_that_is_wrong(alice, client_of, change, code):
    error = refused(client_of(alice), {**GOOD, **change})

    assert (error["code"], error["param"]) == (code, next(iter(change)))


@pytest.mark.parametrize("raw", ['{"a":', '{"input": NaN}', '{"speed": Infinity}', '{"speed": 1e999}'])
def test_what_is_not_json(alice, client_of, raw):
    assert refused(client_of(alice), raw)["code"] == "parse_error"


@pytest.mark.parametrize("text", ["", " ", "\n\t ", "...", "?!—…", "😀🎉", "\u0301\u0302", "\u200b\u200d", "**"])
def test_a_text_without_anything_to_speak(alice, client_of, text):
    error = refused(client_of(alice), {**GOOD, "input": text})

    assert (error["code"], error["param"]) == ("nothing_to_speak", "input")


@pytest.mark.parametrize("character", ["\x07", "\x1b", "\x7f", "\x85", "\ufffe", "\uffff"])
def test_a_character_that_has_no_place_in_a_text(alice, client_of, character):
    error = refused(client_of(alice), {**GOOD, "input": f"a{character}b"})

    assert (error["code"], error["param"]) == ("invalid_character", "input")


@pytest.mark.parametrize("raw", ['"a\\u0000b"', '"a\\ud800b"'])
def test_a_character_that_can_not_be_stored(alice, client_of, raw):
    error = refused(client_of(alice), f'{{"model": "tts-1", "voice": "alloy", "input": {raw}}}')

    assert (error["code"], error["param"]) == ("invalid_character", "input")


@override_settings(MAX_INPUT_CHARACTERS=10)
def test_a_text_that_is_too_long(alice, client_of):
    error = refused(client_of(alice), {**GOOD, "input": "x" * 11}, status=413)

    assert (error["code"], error["param"]) == ("text_too_long", "input")
    assert "10" in error["message"]


@override_settings(MAX_INPUT_CHARACTERS=10)
def test_the_length_is_that_of_the_composed_text(alice, client_of):
    error = refused(client_of(alice), {**GOOD, "input": "e\u0301" * 10, "voice": "nobody"}, status=404)

    assert error["code"] == "voice_not_found"


@pytest.mark.parametrize("name", ["nobody", "../../etc/passwd", "voice_00000000000000000000000000", "Slt"])
def test_a_voice_that_does_not_exist(alice, client_of, name):
    error = refused(client_of(alice), {**GOOD, "voice": name}, status=404)

    assert (error["code"], error["param"]) == ("voice_not_found", "voice")


def test_the_voice_of_another_is_not_found_like_one_that_is_absent(alice, bob, client_of):
    voice = make_voice(owner=bob)

    by_id = refused(client_of(alice), {**GOOD, "voice": voice.pk}, status=404)
    by_name = refused(client_of(alice), {**GOOD, "voice": "anna"}, status=404)

    assert by_id["code"] == by_name["code"] == "voice_not_found"


def test_a_voice_that_staff_disabled_is_not_found(alice, client_of):
    Voice.objects.filter(name="slt").update(enabled=False)

    assert refused(client_of(alice), {**GOOD, "voice": "slt"}, status=404)["code"] == "voice_not_found"


def test_a_model_that_does_not_exist(alice, client_of):
    error = refused(client_of(alice), {**GOOD, "model": "gpt-9"}, status=404)

    assert (error["code"], error["param"]) == ("model_not_found", "model")


def test_a_model_that_staff_disabled_is_not_found(alice, client_of):
    Model.objects.filter(name="tone").update(enabled=False)

    assert refused(client_of(alice), {**GOOD, "model": "tone"}, status=404)["code"] == "model_not_found"


def test_a_voice_of_another_model(alice, client_of):
    error = refused(client_of(alice), {**GOOD, "model": "tone", "voice": "slt"})

    assert (error["code"], error["param"]) == ("voice_model_mismatch", "voice")
    assert "flite" in error["message"]


@pytest.mark.parametrize("language", ["xx-unknown", "../", "qq", "e" * 35])
def test_a_language_that_nobody_speaks(alice, client_of, language):
    error = refused(client_of(alice), {**GOOD, "language": language})

    assert (error["code"], error["param"]) == ("unknown_language", "language")


def test_a_language_that_this_voice_does_not_speak(alice, client_of):
    error = refused(client_of(alice), {**GOOD, "voice": "slt", "language": "de"})

    assert (error["code"], error["param"]) == ("unsupported_language", "language")


def test_a_speed_that_this_model_does_not_take(alice, client_of):
    error = refused(client_of(alice), {**GOOD, "model": "tone", "voice": "tone", "speed": 2.0})

    assert (error["code"], error["param"]) == ("out_of_range", "speed")


def test_no_worker_is_told_as_busy(alice, client_of):
    Worker.objects.all().delete()

    response = client_of(alice).post(ADDRESS, GOOD, format="json")

    assert response.status_code == 503
    assert response.json()["error"]["code"] == "overloaded"
    assert int(response["Retry-After"]) > 0
    assert not Job.objects.exists()
