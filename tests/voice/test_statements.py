"""How many statements one line of speech costs the database: each is a round trip that its listener waits for."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIRequestFactory

from accounts.models import Scope, User
from accounts.tokens import issue_key
from jobs.models import Item, State
from voice.actors import speak
from voice.delivery import Accepted
from voice.views import Speech

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("catalogue"), pytest.mark.shapes("embedded", "deployed")]

SERVER, WORKER = 13, 14
# for a new text by an alias, of which four begin and end a transaction
NOT_STORED = (11, 11)
SERVED_AGAIN = 19


@pytest.fixture
def token(alice: User) -> str:
    _, token = issue_key(owner=alice, name="key", scopes=list(Scope))
    # the first period and the first use of a key have statements of their own
    asked(token, input="first")
    return token


def asked(token: str, **fields: Any) -> Item:
    """What the server does before it waits for the first bytes."""
    body = {"model": "tts-1", "voice": "alloy", "input": "hello", "response_format": "pcm", **fields}
    request = APIRequestFactory().post("/v1/audio/speech", body, format="json", headers={"Authorization": f"Bearer {token}"})
    answer = Speech.as_view()(request)
    assert isinstance(answer, Accepted), answer.data
    return answer.item


def test_a_line_costs_so_many(token, django_assert_max_num_queries):
    with django_assert_max_num_queries(SERVER):
        item = asked(token)
    with django_assert_max_num_queries(WORKER):
        speak.fn(item.pk)

    item.refresh_from_db()
    assert item.state == State.COMPLETED


def test_one_that_is_not_stored_costs_fewer(token, django_assert_max_num_queries):
    with django_assert_max_num_queries(NOT_STORED[0]):
        item = asked(token, store=False)
    with django_assert_max_num_queries(NOT_STORED[1]):
        speak.fn(item.pk)

    item.refresh_from_db()
    assert item.state == State.COMPLETED


def test_one_that_is_served_again_costs_so_many(token, django_assert_max_num_queries):
    speak.fn(asked(token).pk)

    with django_assert_max_num_queries(SERVED_AGAIN):
        item = asked(token)

    assert item.reused
