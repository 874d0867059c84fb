"""Who opens a socket, as its opening says it."""

from __future__ import annotations

from typing import Any

import pytest

from config.env import read
from jobs.handshake import EVENTS, REALTIME, bearer, origin_allowed, subprotocol

KEY = "openai-insecure-api-key."


def opening(*headers: tuple[str, str], offered: tuple[str, ...] = (), query: str = "") -> dict[str, Any]:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    return {"type": "websocket", "path": "/v1/realtime", "query_string": query.encode(), "headers": raw, "subprotocols": list(offered)}


@pytest.mark.parametrize(
    ("scope", "token"),
    [
        (opening(("authorization", "Bearer t")), "t"),
        (opening(offered=("realtime", f"{KEY}t")), "t"),
        (opening(offered=("realtime", f"{KEY}t", "openai-beta.realtime-v1")), "t"),
        (opening(offered=("realtime", "openai-agents-sdk.0.3.1", f"{KEY}t")), "t"),
        (opening(("authorization", "Bearer t"), offered=("realtime", f"{KEY}other")), "t"),
        (opening(), ""),
        (opening(("authorization", "Basic t")), ""),
        (opening(("authorization", "Bearer t"), ("authorization", "Bearer t")), ""),
        (opening(("authorization", "Basic x"), offered=("realtime", f"{KEY}t")), ""),
        (opening(offered=(f"{KEY}t",)), ""),
        (opening(offered=("realtime", f"{KEY}t", f"{KEY}u")), ""),
        (opening(offered=("realtime", "bearer.t")), ""),
        (opening(query="api_key=t&access_token=t&token=t"), ""),
    ],
)
def test_a_token_comes_by_header_or_among_the_subprotocols_and_never_in_the_query(scope, token):
    assert bearer(scope, REALTIME) == token


def test_the_subprotocol_that_is_answered_never_holds_the_token():
    offered = (f"{KEY}t", "openai-beta.realtime-v1", "realtime", "voice")

    assert subprotocol(opening(offered=offered), REALTIME) == "realtime"
    assert subprotocol(opening(offered=offered), EVENTS) == "voice"
    assert subprotocol(opening(offered=offered[:2]), REALTIME) is None


def allowed(origin: str | None, *, host: str = "voice.example") -> bool:
    given = [] if origin is None else [("origin", origin)]
    return origin_allowed(opening(("host", host), *given))


@pytest.fixture(autouse=True)
def _ours(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["voice.example", "[::1]"]
    settings.ALLOWED_ORIGINS = read(allowed_origins="https://app.example, https://dev.example:8443, capacitor://localhost").origins


@pytest.mark.parametrize(
    "origin",
    [None, "https://app.example", "https://app.example:443", "HTTPS://App.Example", "https://dev.example:8443", "capacitor://localhost",
     "https://voice.example", "http://voice.example"],
)  # fmt: skip
def test_pages_of_our_own_host_of_listed_origins_and_what_is_no_page_may_open_a_socket(origin):
    assert allowed(origin)


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "http://app.example", "https://app.example:8443", "https://dev.example", "https://app.example.evil.example",
     "https://sub.app.example", "https://evil-app.example", "https://voice.example:8443", "capacitor://voice.example", "app.example"],
)  # fmt: skip
def test_another_origin_may_not_however_much_it_looks_like_one_that_may(origin):
    assert not allowed(origin)


@pytest.mark.parametrize(
    "origin",
    ["", "null", "http://[::1", "http://[::g]", "https://app.example:99999", "https://app.example:0", "https://app.example:", "https://",
     "https://app.example/", "https://app.example?x", "https://user@app.example", "https://app.example https://app.example",
     "https://app.example\x00", "https://äpp.example", "://app.example", "*"],
)  # fmt: skip
def test_an_origin_that_is_none_may_not(origin):
    assert not allowed(origin)


def test_two_origins_are_none():
    assert not origin_allowed(opening(("origin", "https://app.example"), ("origin", "https://app.example")))


@pytest.mark.parametrize(
    ("origin", "host", "may"),
    [
        ("http://voice.example:8000", "voice.example:8000", True),
        ("http://voice.example:8000", "voice.example:9000", False),
        ("https://voice.example", "voice.example:443", True),
        ("http://[::1]:8000", "[0:0::1]:8000", False),
        ("http://[0::1]:8000", "[::1]:8000", True),
        ("http://evil.example", "evil.example", False),
        ("http://voice.example", "", False),
        ("http://voice.example", "voice.example, voice.example", False),
    ],
)
def test_a_page_is_our_own_host_s_by_a_name_that_is_ours_and_the_same_port(origin, host, may):
    assert allowed(origin, host=host) is may
