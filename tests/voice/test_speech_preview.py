from __future__ import annotations

import json
from typing import Any

import pytest

from accounts.models import Usage
from jobs.models import Job
from voice.lexicons import make_lexicon

ADDRESS = "/v1/audio/speech/preview"

pytestmark = pytest.mark.usefixtures("catalogue")


def previewed(client: Any, **fields: Any) -> Any:
    return client.post(ADDRESS, json.dumps({"voice": "slt", **fields}), content_type="application/json")


def test_it_tells_how_each_word_is_read_and_charges_nothing(alice, client_of):
    response = previewed(client_of(alice), input="**It costs $3.50.** Dr. Li, e.g. him.")

    assert response.status_code == 200, response.content
    assert response.json() == {
        "object": "audio.speech.preview",
        "language": "en-us",
        "lexicon": None,
        "sentences": [
            {
                "text": "It costs $3.50.",
                "spoken": "It costs three dollars and fifty cents.",
                "words": [
                    {"word": "It", "start": 0, "end": 2, "spoken": "It"},
                    {"word": "costs", "start": 3, "end": 8, "spoken": "costs"},
                    {"word": "$3.50", "start": 9, "end": 14, "spoken": "three dollars and fifty cents"},
                ],
            },
            {
                "text": "Dr. Li, e.g. him.",
                "spoken": "Doctor Li, for example him.",
                "words": [
                    {"word": "Dr.", "start": 0, "end": 3, "spoken": "Doctor"},
                    {"word": "Li", "start": 4, "end": 6, "spoken": "Li"},
                    {"word": "e.g.", "start": 8, "end": 12, "spoken": "for example"},
                    {"word": "him", "start": 13, "end": 16, "spoken": "him"},
                ],
            },
        ],
        "characters": len("It costs $3.50. Dr. Li, e.g. him."),
    }
    assert not Job.objects.exists()
    assert not Usage.objects.exists()


def test_it_reads_in_the_language_that_is_asked_for(alice, client_of):
    told = previewed(client_of(alice), input="Am 3. Mai.", voice="alloy", language="de").json()

    assert (told["language"], told["sentences"][0]["spoken"]) == ("de", "Am dritten Mai.")


def test_it_can_leave_figures_to_the_engine(alice, client_of):
    assert previewed(client_of(alice), input="It is 5 km.", normalize=False).json()["sentences"][0]["spoken"] == "It is 5 km."


def test_it_reads_with_a_lexicon(alice, client_of):
    entries = [{"word": "SQL", "respelling": "sequel"}, {"word": "tomato", "respelling": "", "ipa": "təˈmɑːtoʊ"}]
    version = make_lexicon(owner=alice, name="Mine", language="", entries=entries)

    told = previewed(client_of(alice), input="SQL & tomato.", voice="espeak-en-us", lexicon=version.lexicon_id).json()

    assert told["lexicon"] == version.reference
    assert told["sentences"][0]["spoken"] == "sequel and /təˈmɑːtoʊ/."
    assert [word["spoken"] for word in told["sentences"][0]["words"]] == ["sequel", "and", "/təˈmɑːtoʊ/"]


def test_a_voice_that_takes_all_as_it_is_reads_it_so(alice, client_of):
    told = previewed(client_of(alice), input="**5 km** & more. More.", voice="tone").json()

    assert [sentence["spoken"] for sentence in told["sentences"]] == ["**5 km** & more. More."]


@pytest.mark.parametrize(
    ("fields", "status", "code", "param"),
    [
        ({}, 400, "missing_required_parameter", "input"),
        ({"input": "x", "speed": 1}, 400, "unknown_field", "speed"),
        ({"input": "x", "normalize": "no"}, 400, "invalid_type", "normalize"),
        ({"input": "..."}, 400, "nothing_to_speak", "input"),
        ({"input": "x" * 10_001}, 413, "text_too_long", "input"),
        ({"input": "x", "voice": "nobody"}, 404, "voice_not_found", "voice"),
        ({"input": "x", "lexicon": "lex_1"}, 404, "lexicon_not_found", "lexicon"),
        ({"input": "x", "language": "de"}, 400, "unsupported_language", "language"),
    ],
)
def test_what_is_wrong_is_named(alice, client_of, fields, status, code, param):
    response = previewed(client_of(alice), **fields)

    error = response.json()["error"]
    assert (response.status_code, error["code"], error["param"]) == (status, code, param)


def test_the_lexicon_of_another_is_not_found(alice, bob, client_of):
    version = make_lexicon(owner=alice, name="Mine", language="", entries=[])

    assert previewed(client_of(bob), input="x", lexicon=version.lexicon_id).status_code == 404


def test_it_counts_as_a_request_that_generates(alice, client_of):
    assert "x-ratelimit-limit-requests" in previewed(client_of(alice), input="x")
