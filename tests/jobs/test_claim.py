from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F
from django.db.models.functions import Now

from jobs.models import Item, Job, State
from jobs.services import retry
from tests.factories import make_item, make_job, make_running

pytestmark = pytest.mark.shapes("embedded", "deployed")

LEASE = timedelta(minutes=5)


def test_a_claim_makes_the_item_run_in_its_first_attempt(db, alice):
    item = make_item(alice)

    assert item.claim(worker="w1", lease=LEASE)

    item.refresh_from_db()
    assert (item.state, item.attempt, item.worker) == (State.RUNNING, 1, "w1")
    assert Job.objects.get().state == State.RUNNING


def test_a_lease_lasts_as_long_as_it_says_by_the_clock_of_the_database(db, alice):
    item = make_item(alice)

    item.claim(worker="w1", lease=LEASE)

    left = Item.objects.annotate(left=F("lease_until") - Now()).values_list("left", flat=True).get()
    assert timedelta(minutes=4) < left <= LEASE


def test_a_claimed_item_can_not_be_claimed_again(db, alice):
    item = make_item(alice)
    item.claim(worker="w1", lease=LEASE)
    item.refresh_from_db()

    assert not item.claim(worker="w2", lease=LEASE)


def test_an_item_whose_lease_ran_out_is_claimed_for_the_next_attempt(db, alice):
    item = make_running(alice, lease=timedelta(seconds=-1))

    assert item.claim(worker="w2", lease=LEASE)

    item.refresh_from_db()
    assert (item.attempt, item.worker) == (2, "w2")


def test_an_item_without_an_attempt_left_is_not_claimed(db, alice):
    item = make_running(alice, lease=timedelta(seconds=-1), attempt=3, attempts_allowed=3)

    assert not item.claim(worker="w2", lease=LEASE)


def test_an_item_that_is_not_due_yet_is_not_claimed(db, alice):
    item = make_item(alice)
    Item.objects.update(due_at=Now() + timedelta(seconds=60))

    assert not item.claim(worker="w1", lease=LEASE)


def test_an_item_that_is_to_stop_is_not_claimed(db, alice):
    item = make_running(alice, lease=timedelta(seconds=-1))
    Item.objects.update(stop_asked_at=Now())

    assert not item.claim(worker="w1", lease=LEASE)


@pytest.mark.parametrize("state", [State.COMPLETED, State.FAILED, State.CANCELLED])
def test_an_item_that_is_over_is_not_claimed(db, alice, state):
    item = make_item(alice, state=state)

    assert not item.claim(worker="w1", lease=LEASE)


def test_of_sixteen_claims_at_once_one_wins(transactional_db, alice):
    items = [make_item(alice) for _ in range(5)]

    def attempt(worker: int) -> list[bool]:
        try:
            return [Item.objects.get(pk=item.pk).claim(worker=f"w{worker}", lease=LEASE) for item in items]
        finally:
            connection.close()

    with ThreadPoolExecutor(16) as pool:
        won = list(pool.map(attempt, range(16)))

    assert [sum(column) for column in zip(*won, strict=True)] == [1] * 5
    assert set(Item.objects.values_list("attempt", flat=True)) == {1}


def test_a_lease_is_renewed_by_its_own_attempt_only(db, alice):
    item = make_running(alice)
    late = Item.objects.get(pk=item.pk)
    Item.objects.update(attempt=2)

    assert Item.objects.renew([late], lease=LEASE) == {late.pk}
    assert Item.objects.renew([Item.objects.get()], lease=LEASE) == set()


def test_a_lease_is_not_renewed_for_an_item_that_is_to_stop(db, alice):
    item = make_running(alice)
    item.cancel()

    assert Item.objects.renew([item], lease=LEASE) == {item.pk}


def test_a_worker_that_was_thought_dead_can_not_end_what_another_took_over(db, alice):
    late = make_running(alice, lease=timedelta(seconds=-1))
    Item.objects.get(pk=late.pk).claim(worker="w2", lease=LEASE)

    assert not late.end(State.COMPLETED)

    assert Item.objects.get().state == State.RUNNING


def test_the_last_item_to_end_ends_the_job(db, alice):
    first = make_running(alice, job=make_job(alice, total=2))
    second = make_running(alice, job=first.job)

    first.end(State.COMPLETED)
    assert Job.objects.get().state == State.QUEUED

    second.end(State.COMPLETED)
    job = Job.objects.get()
    assert (job.state, job.completed) == (State.COMPLETED, 2)
    assert job.finished_at is not None


def test_cancelling_a_queued_item_ends_it_at_once(db, alice):
    item = make_item(alice)

    assert item.cancel()

    item.refresh_from_db()
    assert (item.state, item.error_code) == (State.CANCELLED, "cancelled")
    assert Job.objects.get().state == State.CANCELLED


def test_cancelling_a_running_item_asks_its_worker(db, alice):
    item = make_running(alice)

    assert item.cancel()

    item.refresh_from_db()
    assert item.state == State.RUNNING
    assert item.stop_asked_at is not None


def test_an_item_that_is_over_can_not_be_cancelled(db, alice):
    item = make_item(alice, state=State.COMPLETED)

    assert not item.cancel()


def test_a_retry_gives_new_attempts_and_never_lowers_the_number(db, alice):
    item = make_item(alice, state=State.FAILED, attempt=3, attempts_allowed=3)
    Job.objects.update(failed=1, state=State.FAILED)

    assert retry(job=item.job) == 1

    item.refresh_from_db()
    assert (item.state, item.attempt, item.attempts_allowed) == (State.QUEUED, 3, 6)
    assert (Job.objects.get().state, Job.objects.get().failed) == (State.QUEUED, 0)
    assert item.claim(worker="w", lease=LEASE)
