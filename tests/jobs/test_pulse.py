from __future__ import annotations

from datetime import timedelta
from threading import Event

import pytest
from django.db import OperationalError
from django.db.models.functions import Now
from prometheus_client.core import CollectorRegistry

from jobs import pulse
from jobs.models import Item
from jobs.pulse import Kept, Row, _families, _queues
from tests.factories import make_item, make_running, make_worker
from tests.waiting import TIMEOUT_S, wait_until

pytestmark = pytest.mark.shapes("embedded", "deployed")


def told(rows: list[Row]) -> CollectorRegistry:
    """A registry with what is made of the rows."""

    class Rows:
        def collect(self):
            return _families(rows)

    registry = CollectorRegistry()
    registry.register(Rows())
    return registry


def test_it_tells_what_waits_and_since_when(alice, django_assert_num_queries):
    make_worker(threads=3, queues=["live", "neural"])
    for minutes in (1, 5):
        Item.objects.filter(pk=make_item(alice).pk).update(due_at=Now() - timedelta(minutes=minutes))
    make_item(alice, actor="speak_in_batch", batch=True)
    make_item(alice, actor="speak_in_batch", batch=True, rung_at=None)
    make_running(alice)
    make_item(alice, actor="of_another_version")

    with django_assert_num_queries(1):
        found = told(_queues())

    def value(name: str, **labels: str) -> float | None:
        return found.get_sample_value(name, labels)

    assert value("voice_queue_items", queue="live", state="queued") == 2
    assert value("voice_queue_items", queue="live", state="running") == 1
    assert value("voice_queue_items", queue="batch", state="queued") == 2
    assert value("voice_queue_items", queue="unknown", state="queued") == 1
    assert value("voice_queue_oldest_seconds", queue="live") == pytest.approx(300, abs=60)
    assert value("voice_queue_oldest_seconds", queue="batch") == pytest.approx(0, abs=60)
    assert value("voice_queue_workers", queue="neural") == 1
    assert value("voice_queue_worker_threads", queue="live") == 3
    assert value("voice_queue_workers", queue="batch") == 0


def test_an_empty_service_has_empty_queues(db):
    found = told(_queues())

    assert found.get_sample_value("voice_queue_items", {"queue": "live", "state": "queued"}) == 0
    assert found.get_sample_value("voice_webhook_deliveries_due") == 0


def test_who_looks_often_asks_the_database_once():
    asked = []

    def ask():
        asked.append(1)
        return [("row",)]

    kept = Kept(ask, fresh=TIMEOUT_S)

    rows = [kept.look()[0] for _ in range(5)]

    assert rows == [[("row",)]] * 5
    assert len(asked) == 1


def test_a_database_that_is_slow_holds_nobody_up_and_is_asked_once(monkeypatch):
    monkeypatch.setattr(pulse, "LIMIT", 0.05)
    asked, over = [], Event()

    def ask():
        asked.append(1)
        over.wait()
        return [("late",)]

    kept = Kept(ask, fresh=TIMEOUT_S)
    assert kept.look() == ([], None)
    assert kept.look() == ([], None)
    over.set()
    wait_until(lambda: kept.look()[0])

    assert kept.look()[0] == [("late",)]
    assert len(asked) == 1


def test_a_database_that_is_away_leaves_what_was_known():
    answers = iter([[("known",)], OperationalError("away")])

    def ask():
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    kept = Kept(ask, fresh=0.0)

    assert kept.look()[0] == [("known",)]
    rows, age = kept.look()
    assert rows == [("known",)]
    assert age is not None
