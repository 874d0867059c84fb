"""`timestamp_granularities`, and `GET /v1/outputs/{id}/timestamps`."""

from __future__ import annotations

import itertools
import json
import re
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models.functions import Now
from rest_framework.test import APIClient

from jobs.models import Blob, Item, Output
from jobs.purging import purge
from jobs.work import claim
from tests.factories import make_voice
from voice.lexicons import make_lexicon
from voice.models import Model
from voice.speaking import narrate

RATE = 24_000
BYTE = 0.04
# seconds of a tone
BOTH = ["word", "sentence"]
LONG = "The lamp was lit at 7. It cost $5, and nobody (not one of them) knew why! " * 60

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("catalogue")]


def asked(client: APIClient, text: str = "Hi you.", **fields: Any) -> Any:
    body = {"voice": "tone", "response_format": "pcm", "items": [{"input": text}], "timestamp_granularities": BOTH, **fields}
    return client.post("/v1/jobs", json.dumps(body), content_type="application/json")


def made(client: APIClient, text: str = "Hi you.", **fields: Any) -> Item:
    """An item that was asked for in a brief, and made."""
    response = asked(client, text, **fields)
    assert response.status_code == 202, response.content
    item = Item.objects.get(job_id=response.json()["id"])
    if work := claim(item.pk):
        with work:
            narrate(work)
    spoken: Item = Item.objects.select_related("output").get(pk=item.pk)
    return spoken


def told(client: APIClient, item: Item, **query: str) -> Any:
    response = client.get(f"/v1/outputs/{item.output_id}/timestamps", query)
    assert response.status_code == 200, response.content
    return response.json()


def sound(item: Item) -> Any:
    with default_storage.open(item.output.blob_id) as file:
        return np.frombuffer(file.read(), np.int16)


def test_the_tones_of_each_word_are_where_it_is_said_to_be(alice, client_of):
    item = made(client_of(alice), "Grüße an “Zoë”! It costs 5.")

    answer = told(client_of(alice), item)

    assert answer["object"] == "output.timestamps"
    assert [word["word"] for word in answer["words"]] == ["Grüße", "an", "Zoë", "It", "costs", "5"]
    # ü, ß, ë have two bytes, a quotation mark three
    assert [(round(word["start"] / BYTE), round(word["end"] / BYTE)) for word in answer["words"]] == [
        (0, 7),
        (8, 10),
        (14, 18),
        (23, 25),
        (26, 31),
        (32, 33),
    ]
    assert [one["text"] for one in answer["sentences"]] == ["Grüße an “Zoë”!", "It costs 5."]
    assert answer["sentences"][1]["start"] == answer["words"][3]["start"]


@pytest.mark.parametrize("voice", ["slt", "kal", "espeak-en-us"])
def test_words_are_heard_when_they_are_said_to_be(alice, client_of, voice):
    item = made(client_of(alice), "Red, green; yellow. Then: $5!\n\nAnd Dr. Li.", voice=voice)

    words = told(client_of(alice), item)["words"]

    assert [word["word"] for word in words] == ["Red", "green", "yellow", "Then", "$5", "And", "Dr.", "Li"]
    pcm = sound(item)
    levels = [np.abs(pcm[round(word["start"] * RATE) : round(word["end"] * RATE)].astype(int)).mean() for word in words]
    between = [pcm[round(a["end"] * RATE) : round(b["start"] * RATE)] for a, b in itertools.pairwise(words)]
    pauses = [np.abs(pcm[len(pcm) // 3 : 2 * len(pcm) // 3].astype(int)).mean() for pcm in between if len(pcm) > 0.09 * RATE]
    assert len(pauses) >= 3
    assert min(levels) > 8 * max(pauses)


@pytest.mark.parametrize("voice", ["slt", "espeak-en-us"])
def test_a_number_lasts_longer_than_its_digit(alice, client_of, voice):
    item = made(client_of(alice), "It costs $5.", voice=voice)

    (it, costs, five) = told(client_of(alice), item)["words"]

    assert [it["word"], costs["word"], five["word"]] == ["It", "costs", "$5"]
    assert five["end"] - five["start"] > 0.5 > it["end"] - it["start"]
    assert five["end"] == pytest.approx(item.output.seconds, abs=0.15)


@pytest.mark.parametrize("voice", ["slt", "espeak-en-us"])
def test_a_respelt_word_is_told_as_it_was_written(alice, client_of, voice):
    entries = [{"word": "SQL", "respelling": "sequel"}, {"word": "tomato", "respelling": "tuhmahto", "ipa": "təˈmɑːtoʊ"}]
    version = make_lexicon(owner=alice, name="Mine", language="", entries=entries)

    item = made(client_of(alice), "A tomato, [SQL] or none.", voice=voice, lexicon=version.reference)

    words = told(client_of(alice), item)["words"]
    assert [word["word"] for word in words] == ["A", "tomato", "SQL", "or", "none"]
    assert all(word["end"] - word["start"] > 0.03 for word in words)


@pytest.mark.parametrize("voice", ["slt", "espeak-en-us", "tone"])
def test_the_times_of_a_long_text_grow_to_its_end(alice, client_of, voice):
    item = made(client_of(alice), LONG, voice=voice)

    answer = told(client_of(alice), item)

    assert len(answer["words"]) == 17 * 60
    assert len(answer["sentences"]) == 2 * 60
    for row in (answer["words"], answer["sentences"]):
        edges = [edge for one in row for edge in (one["start"], one["end"])]
        assert edges == sorted(edges)
        assert edges[0] < 0.3
        assert item.output.seconds - 0.2 < edges[-1] <= item.output.seconds + 0.001
    assert item.output.timestamps is not None
    assert item.output.timestamps.bytes < 40_000


def test_sentences_are_told_by_what_tells_no_words(alice, client_of):
    Model.objects.filter(pk="flite").update(timed=False)

    item = made(client_of(alice), "First one. Then two.", voice="slt", timestamp_granularities=["sentence"])

    answer = told(client_of(alice), item)
    assert [one["text"] for one in answer["sentences"]] == ["First one.", "Then two."]
    assert answer["sentences"][0]["end"] + 0.25 == pytest.approx(answer["sentences"][1]["start"], abs=0.002)
    assert "words" not in answer


@pytest.mark.parametrize(
    ("verbatim", "granularities", "instead"),
    [
        (False, ["word"], "Use a voice of theirs, or ask for 'sentence' alone."),
        (False, BOTH, "Use a voice of theirs, or ask for 'sentence' alone."),
        (True, ["sentence"], "Use a voice of theirs."),
    ],
)
def test_what_a_model_does_not_tell_is_refused(alice, client_of, verbatim, granularities, instead):
    make_voice(model="mute")
    Model.objects.filter(pk="mute").update(verbatim=verbatim)

    response = asked(client_of(alice), voice="anna", timestamp_granularities=granularities)

    assert response.status_code == 400
    assert response.json()["error"] == {
        "message": f"The model 'mute' does not tell when each word is said; these do: flite, espeak, tone. {instead}",
        "type": "invalid_request_error",
        "param": "items[0].timestamp_granularities",
        "code": "timestamps_unavailable",
    }


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"timestamp_granularities": ["letter"]}, "invalid_value"),
        ({"timestamp_granularities": "word"}, "invalid_type"),
        ({"timestamp_granularities": None}, "invalid_type"),
        ({"timestamp_granularities": ["word"] * 3}, "too_long"),
        ({"timestamp_granularities": ["word"], "store": False}, "invalid_value"),
    ],
)
def test_what_is_no_such_list_is_refused(alice, client_of, fields, code):
    body = {"model": "tts-1", "voice": "tone", "input": "x", **fields}

    response = client_of(alice).post("/v1/audio/speech", json.dumps(body), content_type="application/json")

    assert (response.status_code, response.json()["error"]["code"]) == (400, code), response.content


@pytest.mark.parametrize("name", ["timestamp_granularities[]", "timestamp_granularities"])
def test_a_form_has_one_field_for_each(alice, client_of, name):
    file = SimpleUploadedFile("lines.csv", b"input\none\n")
    body = {"voice": "tone", name: ["sentence", "word"], "file": file}

    response = client_of(alice).post("/v1/jobs", body, format="multipart")

    assert response.status_code == 202, response.content
    assert Item.objects.get().options["timestamp_granularities"] == ["sentence", "word"]


def test_a_form_may_ask_for_one(alice, client_of):
    body = {"voice": "tone", "timestamp_granularities[]": "word", "file": SimpleUploadedFile("lines.csv", b"input\none\n")}

    client_of(alice).post("/v1/jobs", body, format="multipart")

    assert Item.objects.get().options["timestamp_granularities"] == ["word"]


def test_other_fields_have_no_brackets(alice, client_of):
    body = {"voice[]": "tone", "file": SimpleUploadedFile("lines.csv", b"input\none\n")}

    response = client_of(alice).post("/v1/jobs", body, format="multipart")

    assert (response.status_code, response.json()["error"]["code"]) == (400, "unknown_field"), response.content


def test_only_what_was_asked_for_is_told(alice, client_of):
    item = made(client_of(alice), timestamp_granularities=["word"])

    assert told(client_of(alice), item) == {
        "object": "output.timestamps",
        "words": [{"word": "Hi", "start": 0.0, "end": 0.08}, {"word": "you", "start": 0.12, "end": 0.24}],
    }
    assert item.output.configuration["timestamp_granularities"] == ["word"]


@pytest.mark.parametrize(("form", "media_type"), [("srt", "application/x-subrip"), ("vtt", "text/vtt")])
def test_they_come_as_subtitles_too(alice, client_of, form, media_type):
    item = made(client_of(alice), "Grüße. It costs $5.", timestamp_granularities=["word"])

    response = client_of(alice).get(f"/v1/outputs/{item.output_id}/timestamps?format={form}", headers={"Accept": "application/json"})

    assert response.status_code == 200, response.content
    assert response["Content-Type"] == f"{media_type}; charset=utf-8"
    point = "," if form == "srt" else "."
    found = re.findall(r"^(\S+) --> (\S+)\n(.+)$", response.content.decode(), re.MULTILINE)
    assert found == [
        (f"00:00:00{point}000", f"00:00:00{point}280", "Grüße."),
        (f"00:00:00{point}360", f"00:00:00{point}800", "It costs $5."),
    ]


@pytest.mark.parametrize("query", ["format=ass", "format=", "as=srt"])
def test_another_form_is_refused(alice, client_of, query):
    item = made(client_of(alice))

    response = client_of(alice).get(f"/v1/outputs/{item.output_id}/timestamps?{query}")

    assert (response.status_code, response.json()["error"]["code"]) == (400, "invalid_parameter")


def test_anothers_are_not_found(alice, bob, client_of):
    item = made(client_of(alice))

    response = client_of(bob).get(f"/v1/outputs/{item.output_id}/timestamps")

    assert (response.status_code, response.json()["error"]["code"]) == (404, "not_found")


def test_those_of_what_is_being_made_are_not_ready(alice, client_of):
    item = Item.objects.get(job_id=asked(client_of(alice)).json()["id"])

    response = client_of(alice).get(f"/v1/outputs/{item.output_id}/timestamps")

    assert (response.status_code, response.json()["error"]["code"]) == (409, "not_ready")


def test_where_none_were_asked_for_there_are_none(alice, client_of):
    item = made(client_of(alice), timestamp_granularities=[])

    response = client_of(alice).get(f"/v1/outputs/{item.output_id}/timestamps")

    assert (response.status_code, response.json()["error"]["code"]) == (404, "timestamps_not_found")
    assert item.output.timestamps is None


def test_what_is_served_again_has_the_same(alice, client_of):
    first = made(client_of(alice))

    again = made(client_of(alice))

    assert again.reused
    assert told(client_of(alice), again) == told(client_of(alice), first)
    assert Blob.objects.count() == 2


def test_what_waited_for_another_has_the_same(alice, client_of):
    twins = [Item.objects.get(job_id=asked(client_of(alice)).json()["id"]) for _ in range(2)]
    work = claim(twins[0].pk)
    assert work is not None

    with work:
        narrate(work)

    first, second = (told(client_of(alice), item) for item in twins)
    assert first == second


def test_without_timestamps_it_is_another_request(alice, client_of):
    made(client_of(alice))

    assert not made(client_of(alice), timestamp_granularities=[]).reused


def test_they_are_deleted_with_the_last_output_that_has_them(alice, client_of):
    first, again = made(client_of(alice)), made(client_of(alice))
    name = first.output.timestamps_id
    assert name is not None

    client_of(alice).delete(f"/v1/outputs/{first.output_id}")
    still_there = default_storage.exists(name)
    client_of(alice).delete(f"/v1/outputs/{again.output_id}")

    assert still_there
    assert not default_storage.exists(name)
    assert not Blob.objects.exists()


def test_they_expire_with_their_output(alice, client_of):
    made(client_of(alice))
    Output.objects.update(expires_at=Now() - timedelta(seconds=1))

    purge()

    assert not Blob.objects.exists()


def test_a_purge_leaves_them_while_an_output_names_them(alice, client_of):
    item = made(client_of(alice))
    Blob.objects.update(kept_at=Now() - timedelta(days=1))

    purge()

    assert told(client_of(alice), item)["words"]
