from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import usage_views
from accounts.models import Override, Plan, Quota, Scope, Usage
from accounts.quotas import allowance
from accounts.tokens import issue_key
from tests.factories import make_item, make_usage

pytestmark = pytest.mark.shapes("embedded", "deployed")


def use(owner, day: str = "2026-03-05", **fields) -> Usage:
    """A row of the ledger, of noon of a day."""
    row = make_usage(make_item(owner), **fields)
    Usage.objects.filter(pk=row.pk).update(created_at=f"{day}T12:00:00Z")
    return row


def ask(client, query: str = "start=2026-03-01&end=2026-04-01"):
    response = client.get(f"/v1/usage?{query}")
    assert response.status_code == 200, response.content
    return response


def refused(client, query: str) -> Any:
    response = client.get(f"/v1/usage?{query}")
    assert response.status_code == 400, response.content
    assert response.json()["error"]["code"] == "invalid_parameter"
    return response.json()["error"]


def test_it_adds_up_days(alice, client_of):
    use(alice, "2026-03-05", characters=10, milliseconds=1500)
    use(alice, "2026-03-05", characters=5, milliseconds=250, reused=True)
    use(alice, "2026-03-07", characters=1, milliseconds=0)

    answer = ask(client_of(alice)).json()

    assert answer["object"] == "usage"
    assert answer["data"] == [
        {"day": "2026-03-05", "characters": 15, "seconds": 1.75, "items": 2, "reused": 1},
        {"day": "2026-03-07", "characters": 1, "seconds": 0.0, "items": 1, "reused": 0},
    ]


@pytest.mark.parametrize("group", ["voice", "model", "kind"])
def test_it_adds_up_whatever_it_is_asked_for(alice, client_of, group):
    use(alice, **{group: "a"}, characters=1)
    use(alice, **{group: "b"}, characters=2)
    use(alice, "2026-03-06", **{group: "a"}, characters=4)

    data = ask(client_of(alice), f"start=2026-03-01&end=2026-04-01&group_by={group}").json()["data"]

    assert [(row[group], row["characters"], row["items"]) for row in data] == [("a", 5, 2), ("b", 2, 1)]


def test_keys_are_told_by_their_ids_and_work_without_one_comes_first(alice, client_of):
    key, _ = issue_key(owner=alice, name="a", scopes=[])
    use(alice, api_key=key, characters=7)
    use(alice, characters=3)

    data = ask(client_of(alice), "start=2026-03-01&end=2026-04-01&group_by=key").json()["data"]

    assert [(row["key"], row["characters"]) for row in data] == [(None, 3), (key.pk, 7)]


def test_groups_are_combined_in_the_order_they_are_asked_for(alice, client_of):
    use(alice, "2026-03-06", voice="a", kind="speech")
    use(alice, "2026-03-05", voice="b", kind="conversion")
    use(alice, "2026-03-05", voice="a", kind="speech")

    data = ask(client_of(alice), "start=2026-03-01&end=2026-04-01&group_by=voice,day,kind,voice").json()["data"]

    groups = [tuple(row.values())[:3] for row in data]
    assert groups == [("a", "2026-03-05", "speech"), ("a", "2026-03-06", "speech"), ("b", "2026-03-05", "conversion")]


def test_days_are_those_of_utc_from_the_first_until_before_the_last(alice, client_of):
    for moment in ("2026-02-28T23:59:59.999999Z", "2026-03-01T00:00:00Z", "2026-03-02T23:59:59.999999Z", "2026-03-03T00:00:00Z"):
        Usage.objects.filter(pk=use(alice).pk).update(created_at=moment)

    data = ask(client_of(alice), "start=2026-03-01&end=2026-03-03").json()["data"]

    assert [(row["day"], row["items"]) for row in data] == [("2026-03-01", 1), ("2026-03-02", 1)]


def test_by_default_it_tells_what_the_current_period_was_charged_with(alice, client_of):
    starts_at = allowance(alice).starts_at
    use(alice, characters=100)
    make_usage(make_item(alice), characters=8, milliseconds=2500, period_starts_at=starts_at)
    Quota.objects.filter(owner=alice).update(characters=8, speech_ms=2500, speech_ms_reserved=500)

    answer = ask(client_of(alice), "group_by=model").json()

    assert [(row["characters"], row["seconds"]) for row in answer["data"]] == [(8, 2.5)]
    assert (answer["period"]["used"]["characters"], answer["period"]["used"]["speech_seconds"]) == (8, 2.5)
    assert answer["period"]["reserved"]["speech_seconds"] == 0.5


def test_it_tells_what_is_left_of_the_period(alice, client_of):
    plan = Plan.objects.create(name="small", characters=100, speech_seconds=1, custom_voices=3)
    type(alice).objects.update(plan=plan)
    Override.objects.create(owner=alice, characters=50)
    allowed = allowance(alice)
    Quota.objects.create(
        owner=alice, starts_at=allowed.starts_at, ends_at=allowed.ends_at, characters=10, characters_reserved=15, speech_ms=1500
    )

    told = ask(client_of(alice), "").json()["period"]

    assert (told["starts_at"], told["ends_at"]) == (int(allowed.starts_at.timestamp()), int(allowed.ends_at.timestamp()))
    assert told["plan"] == "small"
    assert (told["limits"]["characters"], told["limits"]["custom_voices"], told["limits"]["stored_bytes"]) == (50, 3, None)
    assert told["remaining"] == {"characters": 25, "speech_seconds": 0.0, "transcription_seconds": None, "conversion_seconds": None}


def test_whoever_used_nothing_and_has_no_plan_is_told_so(alice, client_of):
    answer = ask(client_of(alice), "").json()

    assert answer["data"] == []
    assert answer["period"]["plan"] is None
    assert set(answer["period"]["limits"].values()) == set(answer["period"]["remaining"].values()) == {None}
    assert set(answer["period"]["used"].values()) == {0}


def test_it_hides_the_usage_of_other_owners(alice, bob, client_of):
    use(alice)
    make_usage(make_item(alice), period_starts_at=allowance(alice).starts_at)

    assert ask(client_of(bob)).json()["data"] == []
    assert ask(client_of(bob), "").json()["data"] == []


def test_it_takes_the_scope_for_accounts(alice, client):
    _, token = issue_key(owner=alice, name="a", scopes=[Scope.SPEECH])

    response = client.get("/v1/usage", HTTP_AUTHORIZATION=f"Bearer {token}")

    assert (response.status_code, response.json()["error"]["code"]) == (403, "insufficient_scope")
    assert client.get("/v1/usage").status_code == 401


@pytest.mark.parametrize(
    "day", ["0000-01-01", "10000-01-01", "2026-02-30", "2026-13-01", "20260101", "2026-W01-1", "２０２６-01-01", "", "now"]
)
@pytest.mark.parametrize("name", ["start", "end"])
def test_a_day_that_is_none_is_refused(alice, client_of, name, day):
    days = {"start": "2026-01-01", "end": "2026-02-01", name: day}

    assert refused(client_of(alice), f"start={days['start']}&end={days['end']}")["param"] == name


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("start=2026-01-01", "end"),
        ("end=2026-01-01", "start"),
        ("start=2026-01-01&end=2026-01-01", "end"),
        ("start=2026-01-02&end=2026-01-01", "end"),
        ("start=2025-01-01&end=2026-01-03", "end"),
        ("group_by=", "group_by"),
        ("group_by=day,", "group_by"),
        ("group_by=owner", "group_by"),
        ("group_by=owner__password", "group_by"),
        ("as=xml", "as"),
        ("format=csv", "format"),
        ("limit=1", "limit"),
        ("voice%C3%A9=1", "voice\\xe9"),
    ],
)
def test_a_parameter_that_is_not_valid_is_named(alice, client_of, query, param):
    assert refused(client_of(alice), query)["param"] == param


@pytest.mark.parametrize("days", ["start=2024-01-01&end=2025-01-01", "start=0001-01-01&end=0001-02-01", "start=9999-12-30&end=9999-12-31"])
def test_any_366_days_of_the_calendar_can_be_asked_for(alice, client_of, days):
    use(alice)

    assert ask(client_of(alice), days).json()["data"] == []


def test_an_answer_that_would_be_too_long_is_refused(alice, client_of, monkeypatch):
    monkeypatch.setattr(usage_views, "MOST_ROWS", 2)
    for voice in "ab":
        use(alice, voice=voice)
    assert len(ask(client_of(alice), "start=2026-03-01&end=2026-04-01&group_by=voice").json()["data"]) == 2
    use(alice, voice="c")

    assert refused(client_of(alice), "start=2026-03-01&end=2026-04-01&group_by=voice")["param"] == "group_by"


def test_the_database_adds_up_in_one_query(alice, client_of):
    for number in range(20):
        use(alice, voice=f"v{number}")
    client = client_of(alice)

    with CaptureQueriesContext(
        connection,
    ) as queries:
        ask(client, "start=2026-03-01&end=2026-04-01&group_by=voice,day,key")

    assert sum('FROM "accounts_usage"' in query["sql"] for query in queries) == 1
    assert len(queries) <= 5


# ── CSV ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_same_as_a_table(alice, client_of):
    key, _ = issue_key(owner=alice, name="a", scopes=[])
    use(alice, characters=10, milliseconds=1500, api_key=key, voice="anna, the first")
    use(alice, characters=5, milliseconds=0, reused=True, voice="berta")

    response = ask(client_of(alice), "start=2026-03-01&end=2026-04-01&group_by=day,voice,key&as=csv")

    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"] == 'attachment; filename="usage.csv"'
    assert list(csv.reader(io.StringIO(response.content.decode()))) == [
        ["day", "voice", "key", "characters", "seconds", "items", "reused"],
        ["2026-03-05", "anna, the first", key.pk, "10", "1.5", "1", "0"],
        ["2026-03-05", "berta", "", "5", "0.0", "1", "1"],
    ]


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_cell_is_a_formula(alice, client_of, name):
    use(alice, voice=name)

    response = ask(client_of(alice), "start=2026-03-01&end=2026-04-01&group_by=voice&as=csv")

    _, row = csv.reader(io.StringIO(response.content.decode(), newline=""))
    assert row[0] == f"'{name}"


@pytest.mark.parametrize("accept", ["text/csv", "application/json", "*/*"])
def test_the_form_is_the_one_that_is_asked_for_by_name(alice, client_of, accept):
    table = client_of(alice).get("/v1/usage?as=csv", HTTP_ACCEPT=accept)
    refusal = client_of(alice).get("/v1/usage?as=csv&start=x&end=y", HTTP_ACCEPT=accept)

    assert table["Content-Type"].startswith("text/csv")
    assert refusal["Content-Type"] == "application/json"
    assert refusal.status_code == 400


def test_me_is_what_it_was(alice, client_of):
    assert set(client_of(alice).get("/v1/me").json()) == {"id", "object", "username", "email", "scopes", "created_at"}
