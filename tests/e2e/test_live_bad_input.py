"""What nobody should send to a live session, against the running system."""

from __future__ import annotations

import base64
import json
from contextlib import ExitStack, suppress
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from tests.e2e.sockets import ABNORMAL, end, opened, status
from tests.e2e.system import System
from tests.waiting import TIMEOUT_S

pytestmark = pytest.mark.shapes("deployed")

LIVE = "/v1/realtime"
MOST_SOCKETS = 10
LARGEST = 1_000_000


def told(connection: ClientConnection) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(connection.recv(timeout=TIMEOUT_S))
    return message


@pytest.fixture(scope="module")
def people(system: System) -> dict[str, dict[str, str]]:
    """The headers of each; mona's plan gives her two sessions at a time."""
    code = """
from accounts.models import Plan, Scope, User
from accounts.tokens import issue_key
plan = Plan.objects.create(name="two at a time", concurrent_sessions=2)
for name in ("lena", "mona", "nora", "olga"):
    user = User.objects.create_user(name)
    print(issue_key(owner=user, name="key", scopes=list(Scope))[1])
User.objects.filter(username="mona").update(plan=plan)
"""
    keys = system.shell(code).split()
    return {name: {"Authorization": f"Bearer {key}"} for name, key in zip(("lena", "mona", "nora", "olga"), keys, strict=True)}


def test_a_token_is_taken_from_a_header_or_a_subprotocol_only(system: System):
    queries = [f"?{name}={system.key}" for name in ("api_key", "token", "access_token", "key", "authorization")]
    offered: Any = ["realtime", f"openai-insecure-api-key.{system.key}", "openai-agents-sdk.1.0"]

    refused = [status(system, LIVE + query, {}) for query in queries]
    with opened(system, LIVE, {}, subprotocols=offered) as connection:
        chosen = connection.subprotocol
        created = told(connection)

    assert refused == [403] * len(queries)
    assert (chosen, created["type"]) == ("realtime", "session.created")
    assert system.key not in system.logged()


def sound(data: bytes) -> dict[str, Any]:
    return {"type": "input_audio_buffer.append", "audio": base64.b64encode(data).decode()}


def item(**fields: Any) -> dict[str, Any]:
    return {"type": "conversation.item.create", "item": {"type": "message", "role": "user", "content": []} | fields}


def written(text: str) -> list[dict[str, str]]:
    return [{"type": "input_text", "text": text}]


def voiced(voice: Any) -> dict[str, Any]:
    return {"type": "session.update", "session": {"type": "realtime", "audio": {"output": {"voice": voice}}}}


NONSENSE: list[tuple[str | dict[str, Any], str]] = [
    ("", "parse_error"),
    ("{", "parse_error"),
    ("\0", "parse_error"),
    ("[" * 60_000, "parse_error"),
    ('{"type": "response.cancel", "response_id": ' + "[" * 60_000, "parse_error"),
    ('{"type": "response.create", "response": {"tools": [{"name": "a", "parameters": {"x": 1e999}}]}}', "invalid_character"),
    ("[]", "invalid_type"),
    ("null", "invalid_type"),
    ("{}", "invalid_value"),
    ({"type": ["response.create"]}, "invalid_value"),
    ({"type": "response.create\0"}, "invalid_character"),
    ({"type": "session.delete"}, "invalid_value"),
    ({"type": "output_audio_buffer.clear"}, "invalid_value"),
    ({"type": "session.update"}, "invalid_type"),
    ({"type": "session.update", "session": []}, "invalid_type"),
    ({"type": "session.update", "session": {}}, "missing_required_parameter"),
    ({"type": "session.update", "session": {"type": "transcription"}}, "invalid_value"),
    ({"type": "session.update", "session": {"type": "realtime", "instructions": "x" * 32_001}}, "invalid_value"),
    (
        {"type": "session.update", "session": {"type": "realtime", "audio": {"input": {"format": {"type": "audio/pcm", "rate": 44100}}}}},
        "invalid_value",
    ),
    ({"type": "session.update", "session": {"type": "realtime", "max_output_tokens": 1e999}}, "parse_error"),
    (voiced("nobody"), "voice_not_found"),
    (voiced("\0"), "invalid_character"),
    (voiced("x" * 201), "voice_not_found"),
    (voiced({"id": 7}), "invalid_value"),
    (voiced([]), "invalid_value"),
    ({"type": "session.update", "session": {"type": "realtime", "audio": []}}, "invalid_value"),
    ({"type": "session.update", "session": {"type": "realtime", "audio": {"output": 7}}}, "invalid_value"),
    ({"type": "response.create", "response": {"audio": {"output": {"voice": "nobody"}}}}, "voice_not_found"),
    ({"type": "response.create", "session": [], "response": {"audio": {"output": 7}}}, "invalid_value"),
    ({"type": "input_audio_buffer.append"}, "invalid_type"),
    ({"type": "input_audio_buffer.append", "audio": 7}, "invalid_type"),
    ({"type": "input_audio_buffer.append", "audio": "not base64!"}, "invalid_value"),
    (sound(b"\1\2\3"), "invalid_audio"),
    ({"type": "input_audio_buffer.commit"}, "input_audio_buffer_commit_empty"),
    (item(content=written("x" * 65_537)), "string_above_max_length"),
    (item(content=written("a \0")), "invalid_character"),
    ({"type": "response.create", "response": {"metadata": {"\0": "x"}}}, "invalid_character"),
    (item(role="robot"), "invalid_value"),
    (item(content="Hello"), "invalid_type"),
    (item(id="x" * 65), "invalid_value"),
    (item(type="item_reference"), "invalid_value"),
    ({"type": "conversation.item.retrieve", "item_id": {"a": 1}}, "item_retrieve_invalid_item_id"),
    ({"type": "conversation.item.delete", "item_id": "item_\0"}, "invalid_character"),
    ({"type": "conversation.item.truncate", "item_id": "item_x", "audio_end_ms": -1}, "item_truncate_invalid_item_id"),
    ({"type": "response.create", "response": []}, "invalid_type"),
    ({"type": "response.create", "response": {"input": [{"type": "item_reference", "id": "item_x"}]}}, "item_retrieve_invalid_item_id"),
    ({"type": "response.create", "response": {"metadata": {"x" * 65: "x"}}}, "invalid_value"),
    ({"type": "response.cancel", "response_id": "resp_of_another"}, "response_cancel_not_active"),
]


def test_what_is_not_understood_is_answered_and_the_session_goes_on(system: System):
    with opened(system, LIVE) as connection:
        told(connection)
        others = []
        for sent, code in NONSENSE:
            connection.send(sent if isinstance(sent, str) else json.dumps(sent))
            if (answer := told(connection).get("error", {}).get("code")) != code:
                others.append((str(sent)[:200], answer))
        connection.send(json.dumps(item(content=written("Hello"))))
        after = told(connection)

    assert not others, "\n".join(map(str, others))
    assert after["type"] == "conversation.item.added"


def test_an_event_is_named_in_its_refusal_if_it_can_be(system: System):
    names = ["mine", "x" * 512, "x" * 513, 7, None]
    with opened(system, LIVE) as connection:
        told(connection)
        for name in names:
            connection.send(json.dumps({"type": "nonsense", "event_id": name}))
        echoed = [told(connection)["error"]["event_id"] for _ in names]

    assert echoed == ["mine", "x" * 512, None, None, None]


def test_what_only_looks_like_nonsense_is_taken(system: System):
    with opened(system, LIVE) as connection:
        told(connection)
        for text in (r"\u0000 as it is written", "\u202e \ufeff \U0001f600"):
            connection.send(json.dumps(item(content=written(text))))
            taken = [told(connection) for _ in range(2)]
            assert taken[0]["item"]["content"][0]["text"] == text
        connection.send(json.dumps(item(content=written("half"))).replace("half", r"\ud800"))
        half = told(connection)

    assert half["error"]["code"] == "parse_error"


def test_a_model_in_the_query_is_text(system: System):
    with opened(system, f"{LIVE}?model=a%00b") as connection:
        refused = told(connection)
        code = end(connection)

    assert (refused["error"]["param"], code) == ("session.model", 1008)


def test_sound_is_taken_in_pieces_of_any_length(system: System):
    with opened(system, LIVE) as connection:
        told(connection)
        for data in (b"", bytes(2), bytes(4802), b"\xff\x7f" * 2400, bytes(600_000)):
            connection.send(json.dumps(sound(data)))
        connection.send(json.dumps({"type": "input_audio_buffer.clear"}))
        cleared = told(connection)

    assert cleared["type"] == "input_audio_buffer.cleared"


@pytest.mark.parametrize(
    ("sent", "codes"),
    [
        (b"{}", {1003}),
        ("x" * (LARGEST + 1), {1009}),
        ("x" * (2 << 20), {1009, ABNORMAL}),
        # more than any server takes: daphne drops the connection
    ],
    ids=["binary", "large", "too large for the server"],
)
def test_what_is_no_message_ends_the_socket(system: System, sent: str | bytes, codes: set[int]):
    with opened(system, LIVE) as connection:
        told(connection)
        with suppress(ConnectionClosed):
            connection.send(sent)
        assert end(connection) in codes


@pytest.mark.parametrize("text", ["{", json.dumps({"type": "response.cancel"})], ids=["nonsense", "events"])
def test_a_flood_of_messages_ends_the_socket(system: System, text: str):
    with opened(system, LIVE) as connection:
        with suppress(ConnectionClosed):
            for _ in range(10_000):
                connection.send(text)
        assert end(connection) == 1008


def test_a_user_has_so_many_sessions_open(system: System, people: dict[str, dict[str, str]]):
    headers = people["lena"]
    with ExitStack() as stack:
        mine = [stack.enter_context(opened(system, LIVE, headers)) for _ in range(MOST_SOCKETS)]
        created = [told(connection)["type"] for connection in mine]
        beyond = end(stack.enter_context(opened(system, LIVE, headers)))

    assert created == ["session.created"] * MOST_SOCKETS
    assert beyond == 4429


def test_a_plan_has_so_many_sessions_and_says_so(system: System, people: dict[str, dict[str, str]]):
    with ExitStack() as stack:
        mine = [told(stack.enter_context(opened(system, LIVE, people["mona"])))["type"] for _ in range(2)]
        third = stack.enter_context(opened(system, LIVE, people["mona"]))
        why, how = told(third), end(third)

    assert mine == ["session.created"] * 2
    assert (why["type"], why["error"]["code"]) == ("error", "rate_limit_exceeded")
    assert how == 4429


def test_who_may_call_no_more_is_cut_off(system: System, people: dict[str, dict[str, str]]):
    act = """
from accounts.models import ApiKey, User
[key.revoke() for key in ApiKey.objects.filter(owner__username="nora")]
User.objects.filter(username="olga").update(is_active=False)
"""
    with opened(system, LIVE, people["nora"]) as revoked, opened(system, LIVE, people["olga"]) as blocked:
        begun = [told(connection)["type"] for connection in (revoked, blocked)]
        system.shell(act)
        ends = [end(connection) for connection in (revoked, blocked)]

    assert begun == ["session.created"] * 2
    assert ends == [4401, 4401]
    assert [status(system, LIVE, people[name]) for name in ("nora", "olga")] == [403, 403]


def test_who_lacks_the_scope_opens_nothing(system: System):
    with httpx.Client(base_url=system.url, headers=system.headers) as client:
        key = client.post("/v1/api-keys", json={"name": "speech only", "scopes": ["speech"]})
    assert key.status_code == 201, key.text

    assert status(system, LIVE, {"Authorization": f"Bearer {key.json()['key']}"}) == 403
