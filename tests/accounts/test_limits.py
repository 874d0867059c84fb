from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest
from django.core.cache.backends.locmem import LocMemCache
from django.db import connection
from django.test import RequestFactory, override_settings
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts.limits import client_address
from accounts.models import Override, Plan, User
from accounts.tokens import sign_in
from tests.conftest import PASSWORD

pytestmark = pytest.mark.shapes("embedded", "deployed")

PROXY = "10.0.0.1"
AWAY = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": "redis://127.0.0.1:1/0",
        "OPTIONS": {"socket_connect_timeout": 0.2},
    }
}


def attempt(name: str = "alice", password: str = "wrong", **extra: Any):
    return APIClient().post("/v1/auth/token", {"username": name, "password": password}, format="json", **extra)


@override_settings(SIGN_IN_RATE="3/m")
def test_a_user_name_is_tried_so_many_times_a_minute(alice):
    for _ in range(3):
        assert attempt().status_code == 401

    response = attempt(password=PASSWORD)

    assert (response.status_code, response.json()["error"]["code"]) == (429, "rate_limit_exceeded")
    assert 0 < int(response["Retry-After"]) <= 61
    assert response["x-ratelimit-limit-requests"] == "3"
    assert response["x-ratelimit-remaining-requests"] == "0"
    assert response["x-ratelimit-reset-requests"].endswith("s")


@override_settings(SIGN_IN_RATE="3/m")
def test_the_attempts_of_one_name_do_not_count_for_another(alice, bob):
    for _ in range(4):
        attempt()

    assert attempt("bob", PASSWORD).status_code == 200


@override_settings(SIGN_IN_RATE="3/m")
def test_a_name_in_capitals_is_the_same_name(alice):
    for name in ("alice", "Alice", "ALICE"):
        attempt(name)

    assert attempt("aLiCe").status_code == 429


@override_settings(ADDRESS_RATE="3/m")
def test_an_address_tries_so_many_times_a_minute(db):
    for number in range(3):
        attempt(f"user{number}")

    assert attempt("another").status_code == 429
    assert attempt("another", REMOTE_ADDR="192.0.2.7").status_code == 401


@override_settings(ADDRESS_RATE="3/m")
def test_a_header_that_anybody_can_send_does_not_change_the_address(db):
    for number in range(3):
        attempt(f"user{number}", HTTP_X_FORWARDED_FOR=f"198.51.100.{number}")

    assert attempt("another", HTTP_X_FORWARDED_FOR="198.51.100.99").status_code == 429


@override_settings(WRITE_RATE="2/m")
def test_each_user_writes_so_many_times_a_minute(alice, bob, client_of):
    client = client_of(alice)
    first = client.post("/v1/api-keys", {"name": "a"}, format="json")
    client.post("/v1/api-keys", {"name": "b"}, format="json")

    third = client.post("/v1/api-keys", {"name": "c"}, format="json")

    assert first["x-ratelimit-remaining-requests"] == "1"
    assert third.status_code == 429
    assert client_of(bob).post("/v1/api-keys", {"name": "a"}, format="json").status_code == 201
    assert client.get("/v1/api-keys").status_code == 200


@override_settings(CACHES=AWAY)
def test_without_counters_nobody_signs_in(alice):
    response = attempt(password=PASSWORD)

    assert (response.status_code, response.json()["error"]["code"]) == (503, "service_unavailable")
    assert response["Retry-After"]


@override_settings(CACHES=AWAY)
@pytest.mark.parametrize("path", ["verify", "refresh", "logout"])
def test_without_counters_whoever_is_signed_in_goes_on(alice, path):
    pair = sign_in(alice)
    body = {"token": pair.access} if path == "verify" else {"refresh": pair.refresh}

    assert APIClient().post(f"/v1/auth/{path}", body, format="json").status_code == 200


class Forgetful(LocMemCache):
    """A cache that loses a counter between finding it and adding to it."""

    def add(self, *_args, **_kwargs):
        return False

    def incr(self, *_args, **_kwargs):
        raise ValueError


@override_settings(CACHES={"default": {"BACKEND": "tests.accounts.test_limits.Forgetful"}})
def test_a_counter_that_was_lost_counts_like_a_cache_that_is_away(alice, client_of):
    assert attempt(password=PASSWORD).status_code == 503
    assert client_of(alice).post("/v1/api-keys", {"name": "a"}, format="json").status_code == 201


@override_settings(ADDRESS_RATE="2/m")
def test_refreshing_leaves_the_attempts_to_sign_in_alone(alice):
    for _ in range(3):
        last = APIClient().post("/v1/auth/verify", {"token": "x"}, format="json")

    assert last.status_code == 429
    assert attempt(password=PASSWORD).status_code == 200


@override_settings(CACHES=AWAY)
def test_without_counters_users_still_write(alice, client_of):
    assert client_of(alice).post("/v1/api-keys", {"name": "a"}, format="json").status_code == 201


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("192.0.2.1", "", "192.0.2.1"),
        ("192.0.2.1", "198.51.100.1", "192.0.2.1"),
        (PROXY, "198.51.100.1", "198.51.100.1"),
        (PROXY, "1.2.3.4, 198.51.100.1", "198.51.100.1"),
        (PROXY, "1.2.3.4, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
        (PROXY, "evil", PROXY),
        (PROXY, "", PROXY),
        (PROXY, "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        (PROXY, "evil, 198.51.100.1", "198.51.100.1"),
        (PROXY, "6.6.6.6, 198.51.100.1:443", PROXY),
        (PROXY, "6.6.6.6, unknown, 10.0.0.2", "10.0.0.2"),
        (PROXY, "6.6.6.6, ,", PROXY),
        (PROXY, "6.6.6.6, 2001:db8::9", "2001:db8::/64"),
        ("2001:db8::1%eth0", "", "2001:db8::/64"),
        ("2001:db8::1:2:3:4", "", "2001:db8::/64"),
        ("::ffff:192.0.2.1", "", "192.0.2.1"),
        ("", "", "unknown"),
    ],
)
def test_the_address_is_the_peers_or_what_our_proxy_saw(settings, peer, forwarded, address):
    settings.TRUSTED_PROXIES = (ip_network("10.0.0.0/8"),)
    headers = {"HTTP_X_FORWARDED_FOR": forwarded} if forwarded else {}

    assert client_address(RequestFactory().get("/", REMOTE_ADDR=peer, **headers)) == address


def write(client: APIClient) -> Any:
    return client.post("/v1/api-keys", {"name": "a"}, format="json")


@override_settings(WRITE_RATE="5/m")
def test_a_plan_says_how_often_its_users_write(alice, bob, client_of):
    plan = Plan.objects.create(name="slow", requests_per_minute=2)
    User.objects.filter(pk=alice.pk).update(plan=plan)
    client = client_of(alice)

    answers = [write(client) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [201, 201, 429]
    assert answers[0]["x-ratelimit-limit-requests"] == "2"
    assert answers[2].json()["error"]["code"] == "rate_limit_exceeded"
    assert 0 < int(answers[2]["Retry-After"]) <= 61
    assert write(client_of(bob))["x-ratelimit-limit-requests"] == "5"


@override_settings(WRITE_RATE="5/m")
@pytest.mark.parametrize(
    ("default", "own", "override", "limit"),
    [
        (None, None, None, 5),
        (7, None, None, 7),
        (7, 8, None, 8),
        (7, 8, 9, 9),
        (7, None, 9, 9),
        (7, "empty", None, 5),
        (None, None, 9, 9),
    ],
)
def test_what_differs_for_a_user_comes_before_his_plan_and_that_before_the_default(alice, client_of, default, own, override, limit):
    Plan.objects.create(name="default", is_default=True, requests_per_minute=default)
    if own:
        User.objects.filter(pk=alice.pk).update(plan=Plan.objects.create(name="own", requests_per_minute=None if own == "empty" else own))
    if override:
        Override.objects.create(owner=alice, requests_per_minute=override)

    assert write(client_of(alice))["x-ratelimit-limit-requests"] == str(limit)


def test_a_limit_of_none_at_all_is_one(alice, client_of):
    Override.objects.create(owner=alice, requests_per_minute=0)

    response = write(client_of(alice))

    assert (response.status_code, response.json()["error"]["code"]) == (429, "rate_limit_exceeded")
    assert response["Retry-After"] == "60"
    assert client_of(alice).get("/v1/api-keys").status_code == 200


def test_a_limit_that_staff_change_holds_at_once(alice, client_of):
    row = Override.objects.create(owner=alice, requests_per_minute=1)
    client = client_of(alice)
    assert [write(client).status_code for _ in range(2)] == [201, 429]

    row.requests_per_minute = 3
    row.save()

    assert write(client).status_code == 201


def test_the_limit_of_a_plan_costs_one_query(alice, client_of):
    Plan.objects.create(name="default", is_default=True, requests_per_minute=9)
    client = client_of(alice)

    with CaptureQueriesContext(connection) as queries:
        write(client)

    assert sum("requests_per_minute" in query["sql"] for query in queries) == 1
