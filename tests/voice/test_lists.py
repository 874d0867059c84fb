from __future__ import annotations

import pytest

from tests.factories import make_voice
from voice.models import Voice

pytestmark = [pytest.mark.usefixtures("catalogue"), pytest.mark.shapes("embedded", "deployed")]


def test_the_models_are_listed_as_openai_lists_them(alice, client_of):
    listed = client_of(alice).get("/v1/models").json()

    assert listed["object"] == "list"
    assert {"tts-1", "flite", "espeak", "tone"} <= {model["id"] for model in listed["data"]}
    assert all({"id", "object", "created", "owned_by"} <= set(model) for model in listed["data"])


@pytest.mark.parametrize("name", ["tts-1", "flite"])
def test_one_model_is_shown(alice, client_of, name):
    assert client_of(alice).get(f"/v1/models/{name}").json()["id"] == name


def test_a_model_that_does_not_exist_is_not_found(alice, client_of):
    response = client_of(alice).get("/v1/models/gpt-9")

    assert (response.status_code, response.json()["error"]["code"]) == (404, "model_not_found")


def test_the_voices_are_listed_with_every_name_that_can_be_asked_for(alice, client_of):
    listed = client_of(alice).get("/v1/audio/voices").json()

    assert {"slt", "rms", "awb", "kal", "tone", "espeak-de"} <= {voice["id"] for voice in listed["data"]}
    assert {"alloy", "slt"} <= {voice["id"] for voice in listed["voices"]}
    assert all(set(voice) == {"id", "name"} for voice in listed["voices"])


def test_your_own_voices_are_listed_and_those_of_others_are_not(alice, bob, client_of):
    mine = make_voice(owner=alice, name="mine")
    make_voice(owner=bob, name="theirs")

    listed = client_of(alice).get("/v1/audio/voices").json()["data"]

    assert {voice["id"] for voice in listed if voice["type"] == "audio_sample"} == {mine.pk}


def test_a_disabled_voice_is_not_listed(alice, client_of):
    Voice.objects.filter(name="slt").update(enabled=False)

    listed = client_of(alice).get("/v1/audio/voices").json()

    assert "slt" not in {voice["id"] for voice in listed["data"]}
    assert "alloy" not in {voice["id"] for voice in listed["voices"]}
