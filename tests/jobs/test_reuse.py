"""The same result is made once: what is stored is served again, what is being made is waited for."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from accounts.models import Plan, Quota, Usage
from accounts.quotas import Amount
from jobs import services
from jobs.dealing import sweep
from jobs.models import Blob, Item, Job, Output, State
from jobs.services import leave, stop
from jobs.work import claim
from tests.factories import make_worker, tone_options

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.shapes("embedded", "deployed")]


@pytest.fixture(autouse=True)
def _worker(transactional_db) -> None:
    make_worker()


def ask(owner, text: str = "hello", *, actor: str = "speak", **fields) -> Item:
    order = services.Order(
        actor=actor,
        text=text,
        format="pcm",
        media_type="audio/pcm",
        expected=Amount(len(text), 1000),
        options=tone_options(),
        **fields,
    )
    return services.submit(owner=owner, api_key=None, kind="speech", orders=[order]).items.get()


def make(item: Item, data: bytes = b"sound") -> None:
    work = claim(item.pk)
    assert work is not None
    with work:
        work.write(data, seconds=0.5)
        work.characters = len(item.text)


def test_what_is_stored_is_served_again_for_nothing(alice):
    make(ask(alice))

    again = ask(alice)

    assert (again.state, again.reused, again.sequence) == (State.COMPLETED, True, 1)
    assert Output.objects.get(item=again).blob == Output.objects.exclude(item=again).get().blob
    assert again.job.state == State.COMPLETED
    usage = Usage.objects.get(item_id=again.pk)
    assert (usage.characters, usage.milliseconds, usage.reused) == (0, 0, True)
    quota = Quota.objects.get()
    assert (quota.characters, quota.speech_ms, quota.characters_reserved, quota.speech_ms_reserved) == (5, 500, 0, 0)


def test_it_costs_what_the_plan_says(alice):
    Plan.objects.create(name="half", is_default=True, reuse_percent=50)
    make(ask(alice))

    again = ask(alice)

    usage = Usage.objects.get(item_id=again.pk)
    assert (usage.characters, usage.milliseconds) == (3, 250)


def test_a_spent_quota_still_gets_what_is_free(alice):
    Plan.objects.create(name="tiny", is_default=True, characters=5)
    make(ask(alice))

    assert ask(alice).state == State.COMPLETED


@pytest.mark.parametrize("other", [{"text": "Hello"}, {"fresh": True}, {"store": False}])
def test_what_differs_is_made(alice, other):
    make(ask(alice))

    assert ask(alice, **other).state == State.QUEUED


def test_somebody_elses_is_not_served(alice, bob):
    make(ask(alice))

    assert ask(bob).state == State.QUEUED


def test_what_is_about_to_expire_is_not_served(alice):
    make(ask(alice))
    Output.objects.update(expires_at=Now() + timedelta(seconds=5))

    assert ask(alice).state == State.QUEUED


def test_what_is_being_made_is_waited_for(alice):
    first = ask(alice)
    second = ask(alice)
    assert second.twin_id == first.pk
    assert claim(second.pk) is None

    make(first)

    second.refresh_from_db()
    assert second.state == State.COMPLETED
    assert Blob.objects.count() == 1
    assert sorted(Usage.objects.values_list("characters", "reused")) == [(0, True), (5, False)]
    quota = Quota.objects.get()
    assert (quota.characters, quota.characters_reserved, quota.speech_ms_reserved) == (5, 0, 0)


def test_the_twins_of_one_that_came_to_nothing_make_it_themselves(alice):
    first, second, third = ask(alice), ask(alice), ask(alice)
    stop(item=first)

    sweep()

    second.refresh_from_db()
    third.refresh_from_db()
    assert (second.twin_id, third.twin_id) == (None, second.pk)
    make(second)
    third.refresh_from_db()
    assert third.state == State.COMPLETED
    assert Quota.objects.get().characters_reserved == 0


def test_a_twin_whose_worker_died_before_it_told_is_found(alice):
    first, second = ask(alice), ask(alice)
    Item.objects.filter(pk=second.pk).update(twin=None)
    make(first)
    Item.objects.filter(pk=second.pk).update(twin=first)

    sweep()

    second.refresh_from_db()
    assert second.state == State.COMPLETED


def test_who_leaves_does_not_stop_what_others_wait_for(alice):
    first, second = ask(alice), ask(alice)

    leave(item=first)

    first.refresh_from_db()
    assert (first.state, second.state) == (State.QUEUED, State.QUEUED)


def test_within_a_brief_the_same_is_made_once(alice):
    orders = [
        services.Order(
            actor="speak_in_batch", text=text, format="pcm", media_type="audio/pcm", expected=Amount(1, 1), options=tone_options()
        )
        for text in ("a", "b", "a", "a")
    ]
    job = services.submit(owner=alice, api_key=None, kind="speech", orders=orders)

    for item in job.items.filter(twin=None):
        make(item)

    job = Job.objects.get()
    assert (job.state, job.completed, job.sequence) == (State.COMPLETED, 4, 4)
    assert Blob.objects.count() == 1  # both were given the same bytes
    assert sorted(filter(None, job.items.values_list("sequence", flat=True))) == [1, 2, 3, 4]
