"""The figures of the admin's front page, on both databases."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.cache import cache
from django.db import connection
from django.db.models.functions import Now
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import usage_days
from accounts.ids import first_id, new_id
from accounts.models import Usage, UsageDay, User
from config.desk import figures
from jobs.models import Item, State
from tests.factories import make_item, make_live_session, make_output, make_running, make_usage, make_worker

pytestmark = pytest.mark.shapes("embedded", "deployed")

HOUR = timedelta(hours=1)


def ended(owner: User, state: State, *, ago: timedelta, **fields: Any) -> Item:
    item = make_item(owner, state=state, attempt=1, **fields)
    Item.objects.filter(pk=item.pk).update(
        created_at=Now() - ago - timedelta(seconds=5), started_at=Now() - ago - timedelta(seconds=3), finished_at=Now() - ago
    )
    return item


def used(owner: User, *, days_ago: int, **fields: Any) -> None:
    row = make_usage(make_item(owner), **fields)
    noon = datetime.combine(timezone.now().date() - timedelta(days=days_ago), datetime.min.time(), UTC)
    Usage.objects.filter(pk=row.pk).update(created_at=noon)


def queue(name: str) -> figures.Queue:
    return next(each for each in figures.queues() if each.name == name)


def test_ids_from_a_moment_on_are_those_given_since():
    before = new_id("item")
    since = timezone.now() + timedelta(milliseconds=5)

    assert before < first_id("item", since)
    assert first_id("item", since - HOUR) < before


def test_each_queue_says_how_much_waits_since_when_and_who_takes_it(alice):
    old = make_item(alice)
    Item.objects.filter(pk=old.pk).update(created_at=Now() - HOUR)
    make_item(alice)
    make_item(alice, actor="convert_in_batch", batch=True)
    make_running(alice)
    make_worker(queues=["live"])

    live, neural = queue("live"), queue("neural-batch")

    assert (live.depth, live.workers, live.stuck) == (2, 1, False)
    assert live.oldest is not None
    assert timezone.now() - HOUR - timedelta(minutes=2) < live.oldest < timezone.now() - HOUR + timedelta(minutes=2)
    assert (neural.depth, neural.workers, neural.stuck) == (1, 0, True)
    assert queue("batch") == figures.Queue("batch", 0, False, None, 0)


def test_a_long_queue_is_not_counted_to_its_end(alice, monkeypatch):
    monkeypatch.setattr(figures, "COUNTED", 2)
    for _ in range(4):
        make_item(alice)

    assert (queue("live").depth, queue("live").many) == (2, True)


def test_what_ended_is_told_by_the_minute(alice):
    ended(alice, State.COMPLETED, ago=timedelta(minutes=5))
    ended(alice, State.FAILED, ago=timedelta(minutes=5))
    ended(alice, State.COMPLETED, ago=2 * HOUR)
    make_running(alice)

    minutes = figures.minutes()

    assert len(minutes) == 60
    assert list(minutes) == sorted(minutes)
    assert sum(each[State.COMPLETED] for each in minutes.values()) == 1
    assert sum(each[State.FAILED] for each in minutes.values()) == 1


def test_failures_are_told_by_their_reason_the_most_frequent_first(alice):
    for code in ("engine_failed", "worker_crashed", "worker_crashed"):
        ended(alice, State.FAILED, ago=HOUR, error_code=code)
    ended(alice, State.FAILED, ago=25 * HOUR, error_code="too_old")

    assert figures.failures() == [("worker_crashed", 2), ("engine_failed", 1)]


def test_only_those_who_were_listened_to_waited(alice):
    ended(alice, State.COMPLETED, ago=timedelta(minutes=1))
    ended(alice, State.COMPLETED, ago=timedelta(minutes=1), batch=True)

    waits = figures.waits()

    assert waits is not None
    assert (waits.number, round(waits.median), round(waits.p95)) == (1, 2, 2)


def test_first_sounds_are_those_of_the_conversations_that_had_any(alice):
    for milliseconds in (500, 700, 900, None):
        make_live_session(alice, first_audio_ms=milliseconds)

    sounds = figures.first_sounds()

    assert sounds is not None
    assert (sounds.number, sounds.median) == (3, 0.7)
    assert 0.7 < sounds.p95 <= 0.9


def test_workers_say_what_they_are_at(alice):
    item = make_running(alice)
    make_worker(items=[item.pk, "item_of_long_ago"])

    ((worker, at),) = figures.workers()

    assert (worker.pk, [each.pk for each in at]) == ("test-worker", [item.pk])


def test_sessions_that_nobody_holds_are_not_open(alice):
    held = make_live_session(alice)
    make_live_session(alice, silent=HOUR)

    number, shown = figures.sessions()

    assert (number, [each.pk for each in shown]) == (1, [held.pk])


def test_use_is_told_by_the_day_and_by_the_owner(alice, bob):
    used(alice, days_ago=0, characters=5, milliseconds=1000)
    used(alice, days_ago=3, characters=7, milliseconds=2000)
    used(bob, days_ago=3, kind="transcription", characters=0, milliseconds=9000)
    used(bob, days_ago=40, characters=100)

    days = figures.days()

    assert len(days.days) == figures.DAYS
    assert (days.characters[-1], days.characters[-4], sum(days.characters)) == (5, 7, 12)
    assert (days.seconds["speech"][-4], days.seconds["transcription"][-4]) == (2, 9)
    assert [(each.name, each.characters, each.seconds, each.items) for each in days.tenants] == [("bob", 0, 9, 1), ("alice", 12, 3, 2)]


def test_a_day_that_is_over_is_added_up_once(alice):
    used(alice, days_ago=3, characters=7)
    used(alice, days_ago=3, characters=1)
    usage_days.close_days()
    used(alice, days_ago=2, characters=4)
    first = list(UsageDay.objects.values_list("characters", "items"))

    usage_days.close_days()

    assert first == [(8, 2)]
    assert list(UsageDay.objects.order_by("day").values_list("characters", flat=True)) == [8, 4]
    assert sum(figures.days().characters) == 12


def test_what_is_stored_is_told_by_its_owner(alice, bob):
    make_output(alice, b"12345")
    make_output(bob, b"1234567890")
    make_output(bob, b"1")

    stored = figures.stored()

    assert (stored.bytes, stored.files) == (16, 3)
    assert [(each.name, each.bytes, each.items) for each in stored.tenants] == [("bob", 11, 2), ("alice", 5, 1)]


@pytest.fixture
def busy(alice: User) -> None:
    make_item(alice)
    ended(alice, State.FAILED, ago=HOUR, error_code="<b>odd</b>")
    used(alice, days_ago=1)
    make_output(alice)
    make_worker()
    make_live_session(alice)


def test_the_front_page_shows_numbers_that_can_be_read_and_links_to_their_rows(busy, staff, client: Client):
    client.force_login(staff)

    page = client.get("/admin/").content.decode()

    assert page.count("<caption") == 3
    assert page.count('role="img"') == 3
    assert "state__exact=failed&amp;error_code__exact=%3Cb%3Eodd" in page
    assert "<b>odd" not in page
    for link in ("/admin/jobs/worker/", "/admin/voice/livesession/", "/admin/accounts/usage/?owner__id__exact=", "/admin/jobs/blob/"):
        assert link in page


def test_every_link_of_the_front_page_leads_somewhere(busy, staff, client: Client):
    client.force_login(staff)
    panels = client.get("/admin/figures").content.decode()

    links = {re.sub(r"=[^&]*", "", link): html.unescape(link) for link in re.findall(r'href="(/[^"]+)"', panels)}

    assert len(links) > 8
    for link in links.values():
        assert client.get(link).status_code == 200, link


def test_the_front_page_tells_only_what_one_may_see(busy, alice, client: Client):
    alice.is_staff = True
    alice.save()
    alice.user_permissions.set(Permission.objects.filter(codename="view_worker"))
    client.force_login(alice)

    panels = client.get("/admin/figures").content.decode()

    assert "panel-workers" in panels
    assert not [name for name in ("queues", "failures", "sessions", "tenants", "stored") if f"panel-{name}" in panels]


def test_nobody_but_staff_is_told(client: Client, alice):
    client.force_login(alice)

    assert client.get("/admin/figures").status_code == 302


def test_whoever_looks_again_asks_for_little(busy, staff, client: Client):
    client.force_login(staff)
    client.get("/admin/figures")
    kept = cache.get("desk:days")

    with CaptureQueriesContext(connection) as asked:
        client.get("/admin/figures")

    assert kept is not None
    assert not [query for query in asked if "accounts_usage" in query["sql"] or "jobs_blob" in query["sql"]]
