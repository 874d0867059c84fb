from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import ApiKey, Scope
from accounts.tokens import issue_key

ADDRESS = "/v1/api-keys"


def test_a_key_is_shown_when_it_is_made_and_never_again(alice, client_of):
    made = client_of(alice).post(ADDRESS, {"name": "app"}, format="json")

    assert made.status_code == 201
    key = made.json()["key"]
    assert APIClient(HTTP_AUTHORIZATION=f"Bearer {key}").get("/v1/me").status_code == 200
    listed = client_of(alice).get(ADDRESS)
    assert key not in listed.content.decode()
    assert [row["id"] for row in listed.json()["data"]] == [made.json()["id"]]


def test_a_key_has_the_scopes_that_were_asked_for(alice, client_of):
    made = client_of(alice).post(ADDRESS, {"name": "app", "scopes": ["speech", "outputs"], "expires_in": 3600}, format="json").json()

    assert sorted(made["scopes"]) == ["outputs", "speech"]
    assert made["expires_at"] is not None


def test_a_key_can_not_give_what_it_lacks(alice):
    _, token = issue_key(owner=alice, name="app", scopes=[Scope.ACCOUNT, Scope.SPEECH])
    client = APIClient(HTTP_AUTHORIZATION=f"Bearer {token}")

    refused = client.post(ADDRESS, {"name": "more", "scopes": ["speech", "voices"]}, format="json")
    same = client.post(ADDRESS, {"name": "same"}, format="json")

    assert (refused.status_code, refused.json()["error"]["code"], refused.json()["error"]["param"]) == (403, "insufficient_scope", "scopes")
    assert sorted(same.json()["scopes"]) == ["account", "speech"]


def test_a_key_does_not_outlive_the_one_that_made_it(alice):
    key, token = issue_key(owner=alice, name="app", scopes=[Scope.ACCOUNT], expires_at=timezone.now() + timedelta(hours=1))
    client = APIClient(HTTP_AUTHORIZATION=f"Bearer {token}")

    endless = client.post(ADDRESS, {"name": "more"}, format="json").json()
    longer = client.post(ADDRESS, {"name": "more", "expires_in": 7200}, format="json").json()

    assert {ApiKey.objects.get(pk=made["id"]).expires_at for made in (endless, longer)} == {key.expires_at}


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": 5}, "name"),
        ({"name": "a", "scopes": ["root"]}, "scopes[0]"),
        ({"name": "a", "scopes": "speech"}, "scopes"),
        ({"name": "a", "expires_in": 1}, "expires_in"),
        ({"name": "a", "expires_in": "60"}, "expires_in"),
        ({"name": "a", "owner": "bob"}, "owner"),
    ],
)
def test_a_key_that_can_not_be_is_refused_with_the_field(alice, client_of, body, param):
    response = client_of(alice).post(ADDRESS, body, format="json")

    assert response.status_code == 400
    assert response.json()["error"]["param"] == param
    assert not ApiKey.objects.exists()


def test_a_key_that_is_revoked_is_refused_and_gone_the_second_time(alice, client_of):
    key, token = issue_key(owner=alice, name="app", scopes=[])

    first = client_of(alice).delete(f"{ADDRESS}/{key.pk}")
    second = client_of(alice).delete(f"{ADDRESS}/{key.pk}")

    assert first.json() == {"id": key.pk, "object": "api_key.deleted", "deleted": True}
    assert second.status_code == 404
    assert APIClient(HTTP_AUTHORIZATION=f"Bearer {token}").get("/v1/me").status_code == 401


def test_it_hides_the_keys_of_other_owners(alice, bob, client_of):
    key, _ = issue_key(owner=alice, name="app", scopes=[])

    assert client_of(bob).delete(f"{ADDRESS}/{key.pk}").status_code == 404
    assert client_of(bob).get(ADDRESS).json()["data"] == []
    key.refresh_from_db()
    assert key.revoked_at is None


def test_a_key_without_the_scope_account_touches_no_keys(alice):
    _, token = issue_key(owner=alice, name="app", scopes=[Scope.SPEECH])

    assert APIClient(HTTP_AUTHORIZATION=f"Bearer {token}").get(ADDRESS).status_code == 403


def test_the_same_request_twice_with_one_key_makes_one_api_key(db, alice, client_of):
    headers = {"Idempotency-Key": "once"}
    client = client_of(alice)

    first = client.post("/v1/api-keys", {"name": "phone"}, format="json", headers=headers)
    again = client.post("/v1/api-keys", {"name": "phone"}, format="json", headers=headers)

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert ApiKey.objects.count() == 1
