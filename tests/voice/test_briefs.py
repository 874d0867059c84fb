"""`POST /v1/jobs`: many texts in one request, all of them or none."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from accounts.models import Plan, Quota
from jobs.models import Item, Job
from tests.factories import make_voice

ADDRESS = "/v1/jobs"

pytestmark = [pytest.mark.usefixtures("catalogue"), pytest.mark.django_db, pytest.mark.shapes("embedded", "deployed")]


def post(client: APIClient, body: Any, **headers: str) -> Any:
    return client.post(ADDRESS, json.dumps(body), content_type="application/json", headers=headers)


def brief(*texts: str, **fields: Any) -> dict[str, Any]:
    return {"voice": "tone", "model": "tone", "items": [{"input": text} for text in texts], **fields}


def refused(response: Any, *, status: int = 400) -> Any:
    assert response.status_code == status, response.content
    assert not Job.objects.exists()
    assert not Quota.objects.exclude(characters_reserved=0).exists()
    return response.json()["error"]


def test_a_brief_becomes_a_job_with_its_items_in_order(alice, client_of):
    body = brief(name="Chapter 1", metadata={"book": "7"}, priority=3, response_format="wav")
    body["items"] = [{"input": "one", "ref": "a"}, {"input": "two", "speed": 1.0}, {"input": "three", "voice": "tone"}]

    response = post(client_of(alice), body)

    assert response.status_code == 202, response.content
    told = response.json()
    assert response["Location"] == f"/v1/jobs/{told['id']}"
    assert (told["name"], told["metadata"], told["priority"], told["state"]) == ("Chapter 1", {"book": "7"}, 3, "queued")
    assert told["counts"] == {"total": 3, "completed": 0, "failed": 0, "cancelled": 0, "pending": 3}
    items = list(Item.objects.order_by("position"))
    assert [(item.text, item.ref, item.format, item.batch, item.actor) for item in items] == [
        ("one", "a", "wav", True, "speak_in_batch"),
        ("two", "", "wav", True, "speak_in_batch"),
        ("three", "", "wav", True, "speak_in_batch"),
    ]
    assert Quota.objects.get().characters_reserved == len("onetwothree")


def test_it_needs_no_worker_to_be_accepted(alice, client_of):
    from jobs.models import Worker

    Worker.objects.all().delete()

    assert post(client_of(alice), brief("later")).status_code == 202


@pytest.mark.parametrize(
    ("change", "code", "param"),
    [
        ({"items": []}, "too_short", "items"),
        ({"items": "x"}, "invalid_type", "items"),
        ({"items": [{"input": "x"}, {}]}, "missing_required_parameter", "items[1].input"),
        ({"items": [{"input": "x", "state": "done"}]}, "unknown_field", "items[0].state"),
        ({"items": [{"input": "x", "speed": 9}]}, "out_of_range", "items[0].speed"),
        ({"items": [{"input": "x", "ref": "a\u0001"}]}, "invalid_character", "items[0].ref"),
        ({"owner": "bob"}, "unknown_field", "owner"),
        ({"priority": 10}, "out_of_range", "priority"),
        ({"priority": "1"}, "invalid_type", "priority"),
        ({"metadata": {"k": 1}}, "invalid_type", "metadata.k"),
        ({"metadata": {"k" * 65: "v"}}, "too_long", "metadata"),
        ({"metadata": {str(n): "v" for n in range(17)}}, "too_long", "metadata"),
        ({"response_format": "ogg"}, "invalid_value", "response_format"),
        ({"expires_after": 1}, "out_of_range", "expires_after"),
        ({"voice": None}, "missing_required_parameter", "items[0].voice"),
        ({"webhook_url": "ftp://example.org"}, "invalid_webhook_url", "webhook_url"),
        ({"webhook_url": "https://169.254.169.254/latest"}, "invalid_webhook_url", "webhook_url"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_created(alice, client_of, change, code, param):
    error = refused(post(client_of(alice), {**brief("hello", "world"), **change}))

    assert (error["code"], error["param"]) == (code, param)


@pytest.mark.parametrize(
    ("item", "code", "param", "status"),
    [
        ({"input": "x", "voice": "nobody"}, "voice_not_found", "items[1].voice", 404),
        ({"input": "   "}, "nothing_to_speak", "items[1].input", 400),
        ({"input": "a" * 100_001}, "text_too_long", "items[1].input", 413),
        ({"input": "x", "voice": "alloy", "language": "xx"}, "unknown_language", "items[1].language", 400),
    ],
)
def test_a_text_that_can_not_be_spoken_is_named_by_its_index(alice, client_of, item, code, param, status):
    body = brief("fine", model="tts-1")
    body["items"].append(item)

    error = refused(post(client_of(alice), body), status=status)

    assert (error["code"], error["param"]) == (code, param)


def test_another_tenants_voice_is_not_found(alice, bob, client_of):
    voice = make_voice(owner=bob, name="bobs")

    error = refused(post(client_of(alice), brief("x", voice=voice.pk, model="tts-1")), status=404)

    assert error["code"] == "voice_not_found"


def test_a_brief_of_more_than_ten_thousand_is_refused(alice, client_of):
    error = refused(post(client_of(alice), brief(*["x"] * 10_001)))

    assert (error["code"], error["param"]) == ("too_long", "items")


def test_a_brief_beyond_the_quota_is_refused_whole(alice, client_of):
    Plan.objects.create(name="small", is_default=True, characters=9)

    response = post(client_of(alice), brief("hello", "world"))

    error = refused(response, status=429)
    assert (error["code"], error["type"]) == ("insufficient_quota", "insufficient_quota")
    assert response["x-should-retry"] == "false"
    assert "10 characters and 9 of 9" in error["message"]


def upload(client: APIClient, filename: str, content: bytes, **fields: str) -> Any:
    form = {"voice": "tone", "model": "tone", **fields, "file": SimpleUploadedFile(filename, content)}
    return client.post(ADDRESS, form, format="multipart")


def test_a_brief_may_be_a_csv(alice, client_of):
    content = 'ref,input,speed\r\na,"one, two",\r\nb,"three\r\nfour",1\r\n'.encode("utf-8-sig")

    response = upload(client_of(alice), "lines.csv", content, name="from a sheet", metadata='{"k": "v"}', priority="2")

    assert response.status_code == 202, response.content
    assert response.json()["metadata"] == {"k": "v"}
    assert list(Item.objects.order_by("position").values_list("ref", "text")) == [("a", "one, two"), ("b", "three\r\nfour")]


def test_a_brief_may_be_json_lines(alice, client_of):
    response = upload(client_of(alice), "lines.jsonl", b'{"input": "one", "ref": "a"}\n\n{"input": "two"}')

    assert response.status_code == 202, response.content
    assert list(Item.objects.order_by("position").values_list("text", flat=True)) == ["one", "two"]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.csv", b"input,speed\none,1\ntwo,fast\nthree,9\n", ["Line 3: speed:", "Line 4: speed:"]),
        ("a.csv", b"input,nonsense\none,1\n", ["Line 2: nonsense:"]),
        ("a.csv", b"input\none,two\n", ["Line 2: There are more cells"]),
        ("a.csv", b"input\n\xff\n", ["not UTF-8"]),
        ("a.csv", b'input\n"open\n', ["not CSV"]),
        ("a.jsonl", b'{"input": "one"}\n{"input": 2}\n[1]\nnot json\n', ["Line 2: input:", "Line 3:", "Line 4:"]),
        ("a.jsonl", b'{"input": "\xff"}\n', ["Line 1:"]),
    ],
)
def test_the_lines_of_an_upload_that_are_wrong_are_named(alice, client_of, name, content, told):
    error = refused(upload(client_of(alice), name, content))

    assert (error["code"], error["param"]) == ("invalid_line", "file")
    for part in told:
        assert part in error["message"]


def test_of_many_wrong_lines_the_first_are_named(alice, client_of):
    error = refused(upload(client_of(alice), "a.jsonl", b"x\n" * 1000))

    assert error["message"].endswith("There are more.")
    assert len(error["message"]) < 2000


@pytest.mark.parametrize(("name", "content", "status"), [("a.csv", b"input\n", 400), ("a.jsonl", b"", 400), ("a.xlsx", b"PK", 415)])
def test_an_upload_without_items_is_refused(alice, client_of, name, content, status):
    refused(upload(client_of(alice), name, content), status=status)


def test_an_upload_without_a_file_is_refused(alice, client_of):
    error = refused(client_of(alice).post(ADDRESS, {"voice": "tone"}, format="multipart"))

    assert (error["code"], error["param"]) == ("missing_required_parameter", "file")


def test_the_same_key_and_body_make_one_job(alice, client_of):
    client = client_of(alice)

    first = post(client, brief("one"), **{"Idempotency-Key": "k1"})
    again = post(client, brief("one"), **{"Idempotency-Key": "k1"})

    assert (first.status_code, again.status_code) == (202, 202)
    assert again.json() == first.json()
    assert again["idempotent-replayed"] == "true"
    assert Job.objects.count() == 1


def test_the_same_key_with_another_body_is_a_conflict(alice, client_of):
    client = client_of(alice)
    post(client, brief("one"), **{"Idempotency-Key": "k1"})

    response = post(client, brief("two"), **{"Idempotency-Key": "k1"})

    assert (response.status_code, response.json()["error"]["code"]) == (409, "idempotency_mismatch")
    assert response["x-should-retry"] == "false"


def test_a_key_is_its_owners(alice, bob, client_of):
    post(client_of(alice), brief("one"), **{"Idempotency-Key": "k1"})
    post(client_of(bob), brief("two"), **{"Idempotency-Key": "k1"})

    assert Job.objects.count() == 2


def test_a_key_of_a_request_that_was_refused_is_free(alice, client_of):
    client = client_of(alice)
    refused(post(client, brief("  "), **{"Idempotency-Key": "k1"}))

    assert post(client, brief("one"), **{"Idempotency-Key": "k1"}).status_code == 202


@pytest.mark.parametrize("key", ["", "x" * 256, "a b", "é"])
def test_a_key_that_is_none_is_refused(alice, client_of, key):
    error = refused(post(client_of(alice), brief("one"), **{"Idempotency-Key": key}))

    assert error["code"] == "invalid_idempotency_key"


def test_a_client_that_counts_its_tries_makes_one_job(alice, client_of):
    client = client_of(alice)

    first = post(client, brief("one"), **{"X-Stainless-Retry-Count": "0"})
    retried = post(client, brief("one"), **{"X-Stainless-Retry-Count": "1"})
    anew = post(client, brief("one"), **{"X-Stainless-Retry-Count": "0"})

    assert retried.json()["id"] == first.json()["id"]
    assert anew.json()["id"] != first.json()["id"]
    assert Job.objects.count() == 2
