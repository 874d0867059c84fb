"""Whose turn it is: of each owner's batch a few items are on the way, and whoever else comes waits for a few items, not for a brief."""

from __future__ import annotations

from datetime import timedelta

import dramatiq
import pytest

from accounts.quotas import Amount
from jobs import services
from jobs.dealing import deal, deal_next, sweep
from jobs.models import Item, Job, State
from tests.factories import make_worker, tone_options

pytestmark = pytest.mark.shapes("embedded", "deployed")

THREADS = 2
AHEAD = 2 * THREADS


@pytest.fixture
def rung(monkeypatch) -> list[str]:
    """The items whose message was sent: the real actor, its last step into the broker noted down."""
    sent: list[str] = []
    monkeypatch.setattr(dramatiq.get_broker(), "enqueue", lambda message, **_: sent.append(message.args[0]))
    return sent


def brief(owner, number: int, **about) -> Job:
    orders = [
        services.Order(
            actor="speak_in_batch",
            text=str(position),
            format="pcm",
            media_type="audio/pcm",
            expected=Amount(1, 1),
            store=False,
            options=tone_options(),
        )
        for position in range(number)
    ]
    return services.submit(owner=owner, api_key=None, kind="speech", orders=orders, about=services.About(**about))


@pytest.fixture(autouse=True)
def _worker(transactional_db) -> None:
    make_worker(threads=THREADS)


def texts(rung: list[str]) -> list[str]:
    return [Item.objects.get(pk=pk).text for pk in rung]


def test_of_a_brief_a_few_items_are_on_the_way(alice, rung):
    brief(alice, 20)

    assert texts(rung) == ["0", "1", "2", "3"]
    assert len(rung) == AHEAD


def test_the_next_follows_one_that_ended(alice, rung):
    brief(alice, 20)
    item = Item.objects.get(pk=rung[0])
    assert item.claim(worker="w", lease=timedelta(seconds=5))
    item.end(State.COMPLETED)

    deal_next(alice.pk)

    assert texts(rung)[AHEAD:] == ["4"]


def test_everyone_has_as_many_on_the_way(alice, bob, rung):
    brief(alice, 1000)
    brief(bob, 1)

    assert len(rung) == AHEAD + 1
    assert Item.objects.get(pk=rung[-1]).owner == bob


def test_the_job_of_the_highest_priority_goes_first_among_ones_own(alice, rung):
    brief(alice, 10)
    urgent = brief(alice, 2, priority=5)
    for pk in list(rung):
        Item.objects.filter(pk=pk).update(state=State.COMPLETED)

    deal(alice.pk)

    assert [Item.objects.get(pk=pk).job_id == urgent.pk for pk in rung[AHEAD:]] == [True, True, False, False]


def test_dealing_twice_sends_no_more_than_is_fair(alice, rung):
    brief(alice, 20)

    deal(alice.pk)
    sweep()

    assert len(rung) == AHEAD


def test_a_sweep_deals_where_nobody_did(alice, rung):
    brief(alice, 20)
    Item.objects.filter(pk__in=rung).update(state=State.COMPLETED)
    rung.clear()

    sweep()

    assert texts(rung) == ["4", "5", "6", "7"]


def test_threads_that_take_live_speech_only_are_not_counted(alice, rung):
    make_worker(id="live-only", threads=20, queues=["live", "neural"])

    brief(alice, 20)

    assert len(rung) == AHEAD
