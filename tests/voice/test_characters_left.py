"""`x-ratelimit-*-tokens` on what uses characters up."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts.models import Override, Plan

BRIEF = {"voice": "tone", "model": "tone", "items": [{"input": "one"}, {"input": "three"}]}
PREFIX = "x-ratelimit-"

pytestmark = [pytest.mark.usefixtures("catalogue"), pytest.mark.django_db]


def post(client: APIClient, address: str = "/v1/jobs", body: Any = BRIEF, **headers: str) -> Any:
    return client.post(address, json.dumps(body), content_type="application/json", headers=headers)


def told(response: Any) -> tuple[str | None, str | None]:
    return response.get(f"{PREFIX}limit-tokens"), response.get(f"{PREFIX}remaining-tokens")


def test_what_is_left_of_the_period_is_told(alice, client_of):
    Plan.objects.create(name="small", is_default=True, characters=20, span="day")
    client = client_of(alice)

    answers = [post(client), post(client)]

    assert [answer.status_code for answer in answers] == [202, 202]
    assert [told(answer) for answer in answers] == [("20", "12"), ("20", "4")]
    minutes = re.fullmatch(r"(?:(\d+)m)?\d+s", answers[0][f"{PREFIX}reset-tokens"])
    assert minutes is not None
    assert int(minutes[1] or 0) <= 24 * 60
    assert f"{PREFIX}remaining-requests" in answers[0]


def test_whoever_is_refused_for_his_quota_is_told_too(alice, client_of):
    Plan.objects.create(name="small", is_default=True, characters=7)

    response = post(client_of(alice))

    assert (response.status_code, response.json()["error"]["code"]) == (429, "insufficient_quota")
    assert told(response) == ("7", "7")


def test_an_answer_that_is_said_again_takes_nothing(alice, client_of):
    Plan.objects.create(name="small", is_default=True, characters=20)
    client = client_of(alice)

    answers = [post(client, **{"Idempotency-Key": "once"}) for _ in range(2)]

    assert [told(answer) for answer in answers] == [("20", "12"), ("20", "12")]


def test_a_limit_of_ones_own_comes_before_the_plans_and_needs_none(alice, client_of):
    Override.objects.create(owner=alice, characters=100)

    assert told(post(client_of(alice))) == ("100", "92")


def test_speech_tells_it_on_the_answer_of_the_first_half(alice, client_of):
    """The second half passes on what the first noted of the request; that it is sent is seen from outside, in tests/e2e."""
    Plan.objects.create(name="small", is_default=True, characters=20)

    response = post(client_of(alice), "/v1/audio/speech", {"model": "tone", "voice": "tone", "input": "x" * 21})

    assert response.status_code == 429
    assert told(response) == ("20", "20")


def test_without_a_limit_nothing_is_told_and_nothing_asked(alice, client_of):
    client = client_of(alice)

    with CaptureQueriesContext(connection) as unlimited:
        response = post(client)
    Plan.objects.create(name="small", is_default=True, characters=20)
    with CaptureQueriesContext(connection) as limited:
        post(client)

    assert told(response) == (None, None)
    asked = [
        sum('FROM "accounts_quota"' in query["sql"] and query["sql"].startswith("SELECT") for query in queries)
        for queries in (unlimited, limited)
    ]
    assert asked == [0, 1]


def test_what_only_reads_tells_nothing(alice, client_of):
    Plan.objects.create(name="small", is_default=True, characters=20)

    assert told(client_of(alice).get("/v1/jobs")) == (None, None)
