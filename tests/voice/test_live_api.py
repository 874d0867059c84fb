"""`/v1/realtime/client_secrets` and `/v1/realtime/sessions`."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from openai.types.realtime import ClientSecretCreateResponse
from rest_framework.test import APIClient

from accounts.errors import InsufficientScope, InvalidToken
from accounts.models import ClientSecret, Scope, User
from accounts.tokens import identify_live, issue_key
from jobs.admission import admit
from tests.conftest import PASSWORD
from tests.factories import make_live_session
from voice import live
from voice.live import Figures
from voice.models import LiveSession

SECRETS = "/v1/realtime/client_secrets"
SESSIONS = "/v1/realtime/sessions"


def ask(client: APIClient, *, headers: dict[str, str] | None = None, **body: Any) -> Any:
    return client.post(SECRETS, body, format="json", headers=headers)


def holder(token: str) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client


# ── Secrets ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_secret_is_what_the_openai_package_reads(alice, client_of):
    session = {"type": "realtime", "model": "gpt-realtime", "instructions": "Be kind."}
    before = int(time.time())
    answer = ask(client_of(alice), expires_after={"anchor": "created_at", "seconds": 120}, session=session)

    assert answer.status_code == 200, answer.content
    told = ClientSecretCreateResponse.model_validate(answer.json(), strict=True)
    row = ClientSecret.objects.get()
    assert told.value.startswith("ek_")
    assert before <= told.expires_at - 120 <= time.time()
    expected = {**session, "id": live.session_of(row), "object": "realtime.session", "output_modalities": ["audio"]}
    assert expected.items() <= told.session.model_dump(exclude_unset=True).items()
    assert session.items() <= row.session.items()
    assert identify_live(told.value).secret == row


def test_nothing_need_be_said_and_then_it_lasts_ten_minutes(alice, client_of):
    before = int(time.time())

    told = ask(client_of(alice)).json()

    assert before <= told["expires_at"] - 600 <= time.time()
    assert told["session"]["type"] == "realtime"


def test_a_session_that_only_listens_is_told_as_one(alice, client_of):
    told = ask(client_of(alice), session={"type": "transcription"}).json()["session"]

    assert (told["type"], told["object"]) == ("transcription", "realtime.transcription_session")


def test_a_key_with_the_scope_makes_secrets_and_one_without_does_not(alice):
    key, with_scope = issue_key(owner=alice, name="app", scopes=[Scope.REALTIME])
    _, without = issue_key(owner=alice, name="app", scopes=[Scope.SPEECH])

    assert identify_live(ask(holder(with_scope)).json()["value"]).api_key == key
    refused = ask(holder(without))
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "insufficient_scope")


@pytest.mark.parametrize(
    ("body", "status", "code", "param"),
    [
        ({"expires_after": {"anchor": "created_at", "seconds": 9}}, 400, "out_of_range", "expires_after.seconds"),
        ({"expires_after": {"anchor": "created_at", "seconds": 7201}}, 400, "out_of_range", "expires_after.seconds"),
        ({"expires_after": {"anchor": "created_at", "seconds": "60"}}, 400, "invalid_type", "expires_after.seconds"),
        ({"expires_after": {"anchor": "created_at", "seconds": True}}, 400, "invalid_type", "expires_after.seconds"),
        ({"expires_after": {"anchor": "created_at", "seconds": 60.5}}, 400, "invalid_type", "expires_after.seconds"),
        ({"expires_after": {"anchor": "used_at"}}, 400, "invalid_value", "expires_after.anchor"),
        ({"expires_after": 60}, 400, "invalid_type", "expires_after"),
        ({"expires_after": {"minutes": 1}}, 400, "unknown_field", "expires_after.minutes"),
        ({"session": []}, 400, "invalid_type", "session"),
        ({"session": {"type": "video"}}, 400, "invalid_value", "session.type"),
        ({"session": {"type": ["realtime"]}}, 400, "invalid_value", "session.type"),
        ({"session": {"instructions": "\0"}}, 400, "invalid_character", "session"),
        ({"session": {"instructions": "é" * 33_000}}, 413, "session_too_large", "session"),
        ({"api_key": "sk"}, 400, "unknown_field", "api_key"),
    ],
)
def test_what_no_secret_can_be_made_of_is_refused_by_name(alice, client_of, body, status, code, param):
    answer = ask(client_of(alice), **body)

    assert (answer.status_code, answer.json()["error"]["code"], answer.json()["error"]["param"]) == (status, code, param)
    assert not ClientSecret.objects.exists()


def test_the_same_request_twice_makes_one_secret_and_tells_it_twice(alice, client_of):
    client = client_of(alice)

    first, second = (ask(client, headers={"Idempotency-Key": "one"}, session={"type": "realtime"}) for _ in range(2))

    assert first.json() == second.json()
    assert (first.headers.get("idempotent-replayed"), second.headers["idempotent-replayed"]) == (None, "true")
    assert ask(client, headers={"Idempotency-Key": "one"}, session={"type": "transcription"}).status_code == 409
    assert ClientSecret.objects.count() == 1


def test_a_secret_that_went_with_its_key_is_not_told_again(alice, client_of):
    key, token = issue_key(owner=alice, name="app", scopes=[Scope.REALTIME])
    assert ask(holder(token), headers={"Idempotency-Key": "one"}).status_code == 200
    key.delete()

    assert ask(client_of(alice), headers={"Idempotency-Key": "one"}).status_code == 410


@pytest.mark.django_db(transaction=True)
def test_a_socket_admits_a_secret_until_its_user_is_blocked(alice, client_of):
    value = ask(client_of(alice)).json()["value"]
    _, without = issue_key(owner=alice, name="app", scopes=[Scope.SPEECH])
    admitted = async_to_sync(partial(admit, scope=Scope.REALTIME))
    assert admitted(value).user == alice
    with pytest.raises(InsufficientScope):
        admitted(without)

    User.objects.update(is_active=False)

    with pytest.raises(InvalidToken):
        admitted(value)


# ── Sessions ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_owners_look_at_their_sessions(alice, client_of):
    session = make_live_session(alice, keeps_transcript=True)
    said = [{"role": "user", "text": "hello"}]
    live.end(session.pk, "client_left", Figures(2.5, 1.25, 3, 40, 50, 1, 210, 480, 650), said)
    session.refresh_from_db()
    client = client_of(alice)
    told = {
        "id": session.pk,
        "object": "live_session",
        "model": "gpt-realtime",
        "kind": "realtime",
        "dialect": "ga",
        "state": "closed",
        "started_at": int(session.started_at.timestamp()),
        "end_asked_at": None,
        "ended_at": int(session.ended_at.timestamp()) if session.ended_at else 0,
        "end_reason": "client_left",
        "seconds_in": 2.5,
        "seconds_out": 1.25,
        "responses": 3,
        "tokens_in": 40,
        "tokens_out": 50,
        "interruptions": 1,
        "latency": {"transcript_ms": 210, "first_token_ms": 480, "first_audio_ms": 650},
    }

    assert client.get(SESSIONS).json()["data"] == [told]
    assert client.get(f"{SESSIONS}/{session.pk}").json() == {**told, "transcript": said}


def test_sessions_are_listed_page_by_page_and_by_state(alice, client_of):
    sessions = [make_live_session(alice) for _ in range(3)]
    live.end(sessions[0].pk, "client_left", Figures())
    client = client_of(alice)

    page = client.get(SESSIONS, {"limit": 2}).json()

    assert [row["id"] for row in page["data"]] == [sessions[2].pk, sessions[1].pk]
    assert [row["id"] for row in client.get(SESSIONS, {"after": page["last_id"]}).json()["data"]] == [sessions[0].pk]
    assert [row["id"] for row in client.get(SESSIONS, {"state": "closed"}).json()["data"]] == [sessions[0].pk]
    assert client.get(SESSIONS, {"state": "lost"}).json()["error"]["param"] == "state"


def test_another_owner_s_sessions_are_not_found(alice, bob, client_of):
    session = make_live_session(alice)
    client = client_of(bob)

    assert client.get(SESSIONS).json()["data"] == []
    for answer in (client.get(f"{SESSIONS}/{session.pk}"), client.post(f"{SESSIONS}/{session.pk}/end"), client.get(f"{SESSIONS}/x")):
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "session_not_found")
    assert live.beat(session.pk, Figures())


def test_an_owner_ends_a_session_and_its_process_is_told_with_the_next_beat(alice, client_of):
    session = make_live_session(alice)
    client = client_of(alice)

    first, again = (client.post(f"{SESSIONS}/{session.pk}/end").json() for _ in range(2))

    assert first == again
    assert (first["state"], first["end_reason"]) == ("open", "ended_by_owner")
    assert not live.beat(session.pk, Figures())
    assert live.end(session.pk, "whatever", Figures())
    over = client.post(f"{SESSIONS}/{session.pk}/end").json()
    assert (over["state"], over["end_reason"]) == ("closed", "ended_by_owner")


# ── The admin ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def end_all(desk: Client) -> str:
    rows = list(LiveSession.objects.values_list("pk", flat=True))
    return desk.post(
        reverse("admin:voice_livesession_changelist"), {"action": "end", "_selected_action": rows}, follow=True
    ).content.decode()


def test_staff_end_sessions_and_the_history_tells_who_did(desk, alice):
    session, over = make_live_session(alice), make_live_session(alice)
    live.end(over.pk, "client_left", Figures())

    page = end_all(desk)

    assert "it is over" in page
    assert not live.beat(session.pk, Figures())
    session.refresh_from_db()
    assert session.end_reason == "ended_by_staff"
    assert [(entry.object_id, entry.get_change_message(), entry.user.get_username()) for entry in LogEntry.objects.all()] == [
        (session.pk, "told to end", "staff")
    ]


def test_staff_without_the_right_end_none(alice, client):
    viewer = User.objects.create_user("viewer", password=PASSWORD, is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_livesession"))
    session = make_live_session(alice)
    client.force_login(viewer)

    end_all(client)

    assert live.beat(session.pk, Figures())


def test_what_was_said_goes_with_its_session(desk, alice):
    session = make_live_session(alice, transcript=[{"text": "hello"}])

    desk.post(reverse("admin:voice_livesession_delete", args=[session.pk]), {"post": "yes"})

    assert not live.beat(session.pk, Figures())
    assert not LiveSession.objects.exists()


def test_the_list_is_filtered_by_why_sessions_ended(desk, alice):
    lost, other = make_live_session(alice), make_live_session(alice)
    live.end(lost.pk, "lost", Figures())
    live.end(other.pk, "client_left", Figures())

    found = desk.get(reverse("admin:voice_livesession_changelist"), {"end_reason": "lost"}).context["cl"].result_list

    assert [row.pk for row in found] == [lost.pk]
