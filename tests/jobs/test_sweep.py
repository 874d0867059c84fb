from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import dramatiq
import pytest
from django.db import connection
from django.db.models.functions import Now

from jobs.dealing import sweep
from jobs.models import Item, Job, State, Worker
from tests.factories import make_item, make_running, make_worker

pytestmark = pytest.mark.shapes("embedded", "deployed")


@pytest.fixture
def rung(monkeypatch) -> list[str]:
    """The items whose message was sent: the real actor, its last step into the broker noted down."""
    sent: list[str] = []
    monkeypatch.setattr(dramatiq.get_broker(), "enqueue", lambda message, **_: sent.append(message.args[0]))
    return sent


def test_a_queued_item_with_a_fresh_message_is_left_alone(db, alice, rung):
    make_item(alice)

    sweep()

    assert rung == []


def test_a_queued_item_whose_message_was_not_heard_is_rung_for_again(db, alice, rung):
    item = make_item(alice)
    Item.objects.update(rung_at=Now() - timedelta(seconds=11))

    sweep()
    sweep()

    assert rung == [item.pk]
    assert Item.objects.get().rings == 2


def test_an_item_whose_message_could_not_be_sent_is_rung_for_at_once(db, alice, rung):
    item = make_item(alice, rung_at=None)

    sweep()

    assert rung == [item.pk]


def test_a_second_message_is_given_more_time_than_the_first(db, alice, rung):
    make_item(alice, rings=2)
    Item.objects.update(rung_at=Now() - timedelta(seconds=30))

    sweep()

    assert rung == []


def test_an_item_whose_worker_fell_silent_is_rung_for(db, alice, rung):
    item = make_running(alice, lease=timedelta(seconds=-1))
    Item.objects.update(rung_at=Now() - timedelta(seconds=3))

    sweep()

    assert rung == [item.pk]


def test_an_item_whose_worker_fell_silent_soon_after_it_was_sent_is_rung_for_once(db, alice, rung):
    """The time of its message is the one that the database wrote itself, in the database's own precision."""
    item = make_item(alice, state=State.RUNNING, attempt=1)
    Item.objects.update(lease_until=Now() + timedelta(milliseconds=5))
    time.sleep(0.02)

    sweep()
    sweep()

    assert rung == [item.pk]


def test_an_item_with_a_living_lease_is_left_alone(db, alice, rung):
    make_running(alice)
    Item.objects.update(rung_at=Now() - timedelta(hours=1))

    sweep()

    assert rung == []


def test_an_item_that_took_its_last_worker_with_it_has_failed(db, alice, rung):
    make_running(alice, lease=timedelta(seconds=-1), attempt=3, attempts_allowed=3)

    sweep()

    item = Item.objects.get()
    assert (item.state, item.error_code) == (State.FAILED, "worker_crashed")
    assert Job.objects.get().failed == 1
    assert rung == []


def test_an_item_that_was_to_stop_when_its_worker_died_is_cancelled(db, alice, rung):
    item = make_running(alice, lease=timedelta(seconds=-1))
    item.cancel()

    sweep()

    assert Item.objects.get().state == State.CANCELLED


def test_a_worker_not_heard_of_for_long_is_forgotten(db):
    make_worker(id="old", seen_at=Now() - timedelta(hours=1))
    make_worker(id="new")

    sweep()

    assert list(Worker.objects.values_list("id", flat=True)) == ["new"]


def test_of_many_sweeps_at_once_one_rings(transactional_db, alice, rung):
    items = [make_item(alice, rung_at=None) for _ in range(10)]

    def sweeping(_: int) -> None:
        try:
            sweep()
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(sweeping, range(6)))

    assert sorted(rung) == sorted(item.pk for item in items)
