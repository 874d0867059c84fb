from __future__ import annotations

import time
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core import signing
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import Scope, User
from accounts.tokens import issue_key
from jobs.link_views import SALT
from jobs.models import Output
from tests.factories import make_item, make_output
from tests.jobs.test_outputs import body

HOUR = 3600


@pytest.fixture
def anybody() -> APIClient:
    return APIClient()


def ask(client: APIClient, output: Output, **fields: object):
    return client.post(f"/v1/outputs/{output.pk}/links", fields, format="json")


def address(token: str) -> str:
    return f"/v1/links?token={token}"


def signed(output: Output, *, seconds: int = HOUR) -> str:
    return signing.dumps([output.pk, int(time.time()) + seconds], salt=SALT)


def test_a_link_downloads_the_output_without_a_sign_in(db, alice, client_of, anybody):
    output = make_output(alice, b"0123456789")
    before = int(time.time())

    made = ask(client_of(alice), output)
    response = anybody.get(made.json()["url"])

    assert made.status_code == 201
    assert made.json()["object"] == "output.link"
    assert made.json()["url"].startswith("http://testserver/v1/links?token=")
    assert before <= made.json()["expires_at"] - HOUR <= time.time()
    assert body(response) == b"0123456789"
    assert response["Content-Disposition"] == f'attachment; filename="{output.pk}.pcm"'


def test_a_range_of_a_linked_output_is_sent(db, alice, client_of, anybody):
    output = make_output(alice, b"0123456789")
    url = ask(client_of(alice), output, expires_in=60).json()["url"]

    response = anybody.get(url, HTTP_RANGE="bytes=2-4")

    assert (response.status_code, body(response)) == (206, b"234")
    assert anybody.head(url)["Content-Length"] == "10"


def test_a_link_lasts_no_longer_than_its_output(db, alice, client_of):
    end = timezone.now() + timedelta(minutes=2)
    output = make_output(alice, expires_at=end)

    made = ask(client_of(alice), output)

    assert made.json()["expires_at"] == int(end.timestamp())


def test_an_expired_link_is_not_valid(db, alice, anybody):
    output = make_output(alice)

    late = anybody.get(address(signed(output, seconds=-1)))
    in_time = anybody.get(address(signed(output, seconds=2)))

    assert (late.status_code, late.json()["error"]["code"]) == (404, "invalid_link")
    assert in_time.status_code == 200


def test_an_altered_link_is_not_valid(db, alice, bob, anybody):
    output = make_output(alice)
    token = signed(output)
    another = signed(make_output(bob)).partition(":")[0] + token[token.index(":") :]

    for wrong in ("", "x", "::", token[:-1], token + "x", another, token.swapcase(), "ÿ"):
        response = anybody.get("/v1/links", {"token": wrong})
        assert (response.status_code, response.json()["error"]["code"]) == (404, "invalid_link")
    assert anybody.get("/v1/links").json()["error"]["code"] == "invalid_link"
    assert anybody.get(address(token)).status_code == 200


def test_what_was_signed_for_something_else_is_no_link(db, alice, anybody):
    output = make_output(alice)
    token = signing.dumps([output.pk, int(time.time()) + HOUR], salt="django.contrib.sessions")

    assert anybody.get(address(token)).status_code == 404


def test_the_links_of_a_blocked_owner_are_not_valid(db, alice, anybody):
    token = signed(make_output(alice))
    User.objects.filter(pk=alice.pk).update(is_active=False)

    assert anybody.get(address(token)).json()["error"]["code"] == "invalid_link"


def test_a_link_to_what_was_deleted_is_not_valid(db, alice, anybody):
    output = make_output(alice)
    token = signed(output)
    output.delete()

    assert anybody.get(address(token)).json()["error"]["code"] == "invalid_link"


def test_a_link_is_of_no_use_for_anything_but_its_output(db, alice, client_of):
    made = ask(client_of(alice), make_output(alice)).json()
    token = parse_qs(urlsplit(made["url"]).query)["token"][0]

    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")

    assert client.get("/v1/outputs").status_code == 401


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"expires_in": 59}, "out_of_range"),
        ({"expires_in": 604_801}, "out_of_range"),
        ({"expires_in": "60"}, "invalid_type"),
        ({"expires_in": True}, "invalid_type"),
        ({"expires_at": 60}, "unknown_field"),
    ],
)
def test_a_request_that_is_not_right_is_refused(db, alice, client_of, fields, code):
    response = ask(client_of(alice), make_output(alice), **fields)

    assert (response.status_code, response.json()["error"]["code"]) == (400, code)


def test_nobody_links_to_what_is_not_his(db, alice, bob, client_of):
    response = ask(client_of(bob), make_output(alice))

    assert (response.status_code, response.json()["error"]["code"]) == (404, "not_found")


def test_an_output_that_is_being_made_has_no_link_yet(db, alice, client_of):
    item = make_item(alice)

    response = client_of(alice).post(f"/v1/outputs/{item.output_id}/links", {}, format="json")

    assert (response.status_code, response.json()["error"]["code"]) == (409, "not_ready")


def test_a_link_takes_the_right_to_read_outputs(db, alice, anybody):
    _, token = issue_key(owner=alice, name="key", scopes=[Scope.SPEECH])
    anybody.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")

    assert ask(anybody, make_output(alice)).status_code == 403


def test_the_log_does_not_hold_the_signature(db, alice, anybody, caplog):
    token = signed(make_output(alice))

    with caplog.at_level("INFO"):
        anybody.get(address(token))

    assert "/v1/links" in caplog.text
    assert token.rpartition(":")[2] not in caplog.text
