from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher
from django.test import override_settings
from rest_framework.test import APIClient

from accounts.models import User
from accounts.tokens import issue_key, sign_in
from tests.conftest import PASSWORD


def post(path: str, body: object, **extra: Any):
    return APIClient().post(f"/v1/auth/{path}", body, format="json", **extra)


def test_a_password_is_exchanged_for_two_tokens(alice):
    response = post("token", {"username": "alice", "password": PASSWORD})

    assert response.status_code == 200
    assert set(response.json()) == {"access", "refresh"}
    assert post("verify", {"token": response.json()["access"]}).json() == {}
    alice.refresh_from_db()
    assert alice.last_login is not None


def test_an_unknown_user_a_wrong_password_and_a_blocked_user_are_told_the_same(alice, bob):
    User.objects.filter(username="bob").update(is_active=False)

    answers = [
        post("token", {"username": name, "password": password})
        for name, password in (("nobody", PASSWORD), ("alice", "wrong"), ("bob", PASSWORD), ("ALICE ", PASSWORD))
    ]

    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.content for answer in answers}) == 1
    assert answers[0].json()["error"]["code"] == "invalid_credentials"


class CountingHasher(MD5PasswordHasher):
    """The cheap hasher of the tests, which counts the passwords that it hashes."""

    hashed = 0

    def encode(self, password: str, salt: str) -> str:
        CountingHasher.hashed += 1
        return super().encode(password, salt)


@override_settings(PASSWORD_HASHERS=["tests.accounts.test_auth_api.CountingHasher"])
def test_an_unknown_user_costs_as_many_hashings_as_a_wrong_password(alice):
    def count(name: str) -> int:
        before = CountingHasher.hashed
        post("token", {"username": name, "password": "wrong"})
        return CountingHasher.hashed - before

    assert (count("alice"), count("nobody")) == (1, 1)


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({}, "invalid_request", "username"),
        ({"username": "alice"}, "missing_required_parameter", "password"),
        ({"username": 5, "password": "x"}, "invalid_type", "username"),
        ({"username": "alice", "password": ["x"]}, "invalid_type", "password"),
        ({"username": "alice", "password": "x" * 129}, "too_long", "password"),
        ({"username": "alice", "password": "x\0"}, "invalid_character", "password"),
        ({"username": "a" * 151, "password": "x"}, "too_long", "username"),
        ({"username": "alice", "password": "x", "is_staff": True}, "unknown_field", "is_staff"),
    ],
)
def test_a_sign_in_that_can_not_be_one_is_refused_with_the_field(alice, body, code, param):
    response = post("token", body)

    assert response.status_code == 400
    assert (response.json()["error"]["code"], response.json()["error"]["param"]) == (code, param)


def test_a_password_is_taken_to_the_letter(db):
    User.objects.create_user("carol", password="  🐎 leading blanks and a horse")

    assert post("token", {"username": "carol", "password": "  🐎 leading blanks and a horse"}).status_code == 200
    assert post("token", {"username": "carol", "password": "🐎 leading blanks and a horse"}).status_code == 401


def test_a_refresh_token_is_exchanged_once(alice):
    pair = sign_in(alice)

    first = post("refresh", {"refresh": pair.refresh})
    second = post("refresh", {"refresh": pair.refresh})

    assert set(first.json()) == {"access", "refresh"}
    assert (second.status_code, second.json()["error"]["code"]) == (401, "invalid_api_key")
    assert second["x-should-retry"] == "false"


def test_signing_out_ends_the_sign_in(alice):
    pair = sign_in(alice)

    assert post("logout", {"refresh": pair.refresh}).status_code == 200

    assert post("verify", {"token": pair.access}).status_code == 401
    assert post("logout", {"refresh": pair.refresh}).status_code == 401


@pytest.mark.parametrize("path", ["refresh", "verify", "logout"])
@pytest.mark.parametrize("token", ["x", "", "a.b.c", "x" * 8000])
def test_a_token_that_is_none_is_refused(db, path, token):
    assert post(path, {"token" if path == "verify" else "refresh": token}).status_code == 401


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer ", "Bearer a b", "Basic YTpi", "bearer x", "Token x", "Bearer x,y", "Bearer é", "Bearer " + "x" * 7000, ""]
)
def test_a_header_that_is_not_one_bearer_is_refused(db, header):
    response = APIClient().get("/v1/me", HTTP_AUTHORIZATION=header)

    assert (response.status_code, response.json()["error"]["code"]) == (401, "invalid_api_key")


@pytest.mark.parametrize("joint", [",", ", "])
def test_two_headers_are_refused_though_each_would_do(alice, joint):
    header = f"Bearer {sign_in(alice).access}"

    assert APIClient().get("/v1/me", HTTP_AUTHORIZATION=header).status_code == 200
    assert APIClient().get("/v1/me", HTTP_AUTHORIZATION=f"{header}{joint}{header}").status_code == 401


def test_a_session_of_the_admin_does_not_open_the_api(staff):
    client = APIClient()
    client.login(username="staff", password=PASSWORD)

    assert client.get("/v1/me").status_code == 401


def test_it_says_who_you_are(alice, client_of):
    told = client_of(alice).get("/v1/me").json()

    assert (told["id"], told["object"], told["username"], told["email"]) == (str(alice.pk), "user", "alice", "alice@example.org")
    assert "speech" in told["scopes"]


def test_a_key_without_the_scope_is_refused_by_name(alice):
    _, token = issue_key(owner=alice, name="app", scopes=[])
    client = APIClient(HTTP_AUTHORIZATION=f"Bearer {token}")

    response = client.get("/v1/outputs")

    assert (response.status_code, response.json()["error"]["code"]) == (403, "insufficient_scope")
    assert "outputs" in response.json()["error"]["message"]
    assert client.get("/v1/me").status_code == 200
