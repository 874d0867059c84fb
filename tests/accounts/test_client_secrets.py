"""What a client secret opens, everything that it does not, and what ends it."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import jwt
import pytest
from asgiref.sync import sync_to_async
from django.db import connection
from django.db.models.functions import Now
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.permissions import AllowAny
from rest_framework.test import APIClient
from rest_framework.views import APIView

from accounts import tokens
from accounts.errors import InvalidToken
from accounts.models import ApiKey, ClientSecret, Scope, SignIn, User
from config.api import socket_only
from config.asgi import application

pytestmark = pytest.mark.shapes("embedded", "deployed")

MINUTE = timedelta(minutes=1)


def made_by(bearer: str) -> ClientSecret:
    return tokens.issue_secret(maker=tokens.identify(bearer), session={"type": "realtime"}, lifetime=MINUTE)


def refused(value: str) -> bool:
    try:
        tokens.identify_live(value)
    except InvalidToken:
        return True
    return False


@pytest.fixture
def secret(alice: User) -> ClientSecret:
    return made_by(tokens.sign_in(alice).access)


def claims_changed(settings: Any, value: str, change: dict[str, Any]) -> str:
    """The secret with other claims, without those that are None, signed by us."""
    claims = jwt.decode(value.removeprefix("ek_"), options={"verify_signature": False})
    wanted = {name: value for name, value in {**claims, **change}.items() if value is not None}
    return "ek_" + jwt.PyJWS().encode(json.dumps(wanted).encode(), settings.SIMPLE_JWT["SIGNING_KEY"], algorithm="HS256")


def test_a_secret_says_who_made_it_and_may_talk_live_only(alice, secret):
    identity = tokens.identify_live(tokens.value_of(secret))

    assert tokens.value_of(secret).startswith("ek_")
    assert (identity.user, identity.secret, identity.scopes) == (alice, secret, frozenset({Scope.REALTIME}))


def test_a_secret_made_with_a_key_is_of_that_key(alice):
    key, token = tokens.issue_key(owner=alice, name="app", scopes=[Scope.REALTIME, Scope.SPEECH])

    identity = tokens.identify_live(tokens.value_of(made_by(token)))

    assert (identity.api_key, identity.scopes) == (key, frozenset({Scope.REALTIME}))


def test_whoever_comes_with_a_token_of_his_own_is_known_as_everywhere(alice):
    access = tokens.sign_in(alice).access

    assert tokens.identify_live(access) == tokens.identify(access)


def test_a_secret_itself_is_not_kept(secret):
    assert tokens.value_of(secret).removeprefix("ek_") not in str(list(ClientSecret.objects.values()))


def routes(patterns: list[URLPattern | URLResolver], before: str = "/") -> list[str]:
    """Every address of ours that asks who calls. Those of sockets ask nobody over HTTP."""
    found = []
    for pattern in patterns:
        path = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            found += routes(pattern.url_patterns, path)
        elif path.startswith("/v1/") and pattern.callback is not socket_only:
            view: Any = getattr(pattern.callback, "cls", APIView)
            found += [] if AllowAny in view.permission_classes or not view.authentication_classes else [path]
    return found


def test_no_address_takes_a_secret_nor_the_token_in_it(secret):
    value = tokens.value_of(secret)
    addresses = routes(get_resolver().url_patterns)
    assert len(addresses) > 30

    for bearer in (value, value.removeprefix("ek_")):
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {bearer}")
        for address in addresses:
            for answer in (client.get(address), client.post(address, {}, format="json")):
                assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_api_key"), address
        assert client.post("/v1/auth/verify", {"token": bearer}, format="json").status_code == 401
        assert client.post("/v1/auth/refresh", {"refresh": bearer}, format="json").status_code == 401
        assert client.post("/v1/auth/logout", {"refresh": bearer}, format="json").status_code == 401


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("in_a_header", [True, False])
async def test_the_socket_of_events_takes_no_secret(alice, in_a_header):
    value = await sync_to_async(lambda: tokens.value_of(made_by(tokens.sign_in(alice).access)), thread_sensitive=False)()
    headers = [(b"authorization", f"Bearer {value}".encode())] if in_a_header else []
    names = [] if in_a_header else ["voice", f"bearer.{value}"]
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    await application({"type": "websocket", "path": "/v1/events", "headers": headers, "subprotocols": names}, receive, send)

    assert sent == [{"type": "websocket.close", "code": 1008}]


def test_what_only_looks_like_a_secret_opens_nothing(alice, secret):
    pair = tokens.sign_in(alice)
    value = tokens.value_of(secret)

    for wrong in (
        "",
        "ek_",
        "ek_x",
        f"ek_{pair.access}",
        f"ek_{pair.refresh}",
        value[3:],
        f"ek_{value}",
        value[:-1],
        value + "A",
        f"EK_{value[3:]}",
    ):
        assert refused(wrong), wrong


@pytest.mark.parametrize(
    "change",
    [
        {"typ": "access"}, {"typ": None}, {"secret": None}, {"secret": "secret_x"}, {"secret": "\0"}, {"secret": ["x"]},
        {"stamp": None}, {"stamp": "0" * 16}, {"sub": None}, {"sub": "abc"}, {"exp": None}, {"exp": 1}, {"aud": "another"}, {"jti": None},
    ],
)  # fmt: skip
def test_a_well_signed_secret_with_a_claim_that_is_wrong_is_refused(settings, secret, change):
    assert refused(claims_changed(settings, tokens.value_of(secret), change))


def test_a_secret_of_somebody_else_is_not_ones_own(settings, bob, secret):
    claim = {"sub": str(bob.pk), "stamp": bob.stamp}

    assert refused(claims_changed(settings, tokens.value_of(secret), claim))


def test_a_secret_ends_with_its_user_his_password_and_his_sign_in(alice):
    values = []
    for end in (
        lambda _: User.objects.update(is_active=False),
        lambda user: (user.set_password("another horse battery staple"), user.save()),
        lambda _: SignIn.objects.update(ended_at=Now()),
        lambda _: SignIn.objects.update(expires_at=Now() - MINUTE),
        lambda _: User.objects.all().delete(),
    ):
        User.objects.update(is_active=True)
        alice.refresh_from_db()
        values.append(tokens.value_of(made_by(tokens.sign_in(alice).access)))
        assert not refused(values[-1])
        end(alice)
        assert refused(values[-1])


@pytest.mark.parametrize("change", [{"revoked_at": Now()}, {"expires_at": Now() - MINUTE}, None])
def test_a_secret_ends_with_its_key(alice, change):
    _, token = tokens.issue_key(owner=alice, name="app", scopes=[Scope.REALTIME])
    value = tokens.value_of(made_by(token))
    assert not refused(value)

    ApiKey.objects.update(**change) if change else ApiKey.objects.all().delete()

    assert refused(value)


def test_a_secret_of_a_key_that_may_no_longer_talk_live_has_no_scope(alice):
    _, token = tokens.issue_key(owner=alice, name="app", scopes=[Scope.REALTIME])
    value = tokens.value_of(made_by(token))

    ApiKey.objects.update(scopes=["speech"])

    assert tokens.identify_live(value).scopes == set()


def test_a_secret_is_good_for_its_time_and_once_used_for_as_long_as_its_session_may_last(settings, secret):
    used = made_by(tokens.sign_in(secret.owner).access)
    assert used.use()

    ClientSecret.objects.update(expires_at=Now() - timedelta(seconds=1))

    assert refused(tokens.value_of(secret))
    assert not secret.use()
    assert not refused(tokens.value_of(used))
    used.expires_at -= settings.LIVE_SESSION + settings.LIVE_RESUME + 2 * MINUTE
    assert refused(tokens.value_of(used))


def test_of_sixteen_uses_of_a_secret_at_once_one_begins(transactional_db, alice):
    secret = made_by(tokens.sign_in(alice).access)

    def use(_: int) -> bool:
        try:
            return secret.use()
        finally:
            connection.close()

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(use, range(16))) == 1
