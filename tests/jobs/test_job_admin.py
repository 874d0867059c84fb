"""Jobs and items in the admin, and what staff do to many of them at once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import dramatiq
import pytest
from django.contrib.admin.utils import quote
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry, Plan, User
from jobs import errands
from jobs.errors import InvalidState
from jobs.models import Errand, Item, Job, State
from jobs.services import move
from tests.factories import make_item, make_job, make_running, make_usage, make_voice, make_worker, tone_options
from tests.test_admin import act

pytestmark = pytest.mark.shapes("embedded", "deployed")

YES = {"go": "yes"}


@pytest.fixture
def rung(monkeypatch) -> list[str]:
    """The errands whose message was sent: the real actor, its last step into the broker noted down."""
    sent: list[str] = []
    monkeypatch.setattr(dramatiq.get_broker(), "enqueue", lambda message, **_: sent.append(message.args[0]))
    return sent


def make_batch(owner: User, number: int, **fields: Any) -> Job:
    job = make_job(owner, total=number)
    for position in range(number):
        make_item(owner, job=job, position=position, batch=True, rung_at=None, rings=0, **fields)
    return job


def make_failed(owner: User, *, code: str = "engine_failed", **fields: Any) -> Item:
    job = make_job(owner, failed=1, state=State.FAILED)
    item = make_item(owner, job=job, state=State.FAILED, attempt=3, error_code=code, error_message="it broke", **fields)
    Item.objects.filter(pk=item.pk).update(finished_at=Now())
    item.refresh_from_db()
    return item


def page_of(desk: Client, row: Any) -> str:
    return desk.get(reverse(f"admin:jobs_{row._meta.model_name}_change", args=[row.pk])).content.decode()


# ── How far it is ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_list_says_how_far_each_job_is(desk, alice):
    make_job(alice, total=10, completed=3, failed=1)

    page = desk.get(reverse("admin:jobs_job_changelist")).content.decode()

    assert 'aria-label="Of 10: 3 completed, 1 failed"' in page


def test_of_many_items_a_job_shows_a_page_and_the_way_to_the_rest(desk, alice):
    job = make_batch(alice, 25)

    page = page_of(desk, job)

    assert page.count("/admin/jobs/item/item_") < 2 * 25
    assert f"/admin/jobs/item/?job__id__exact={job.pk}" in page
    listed = desk.get(reverse("admin:jobs_item_changelist"), {"job__id__exact": job.pk})
    assert listed.context["cl"].result_count == 25


def test_an_item_tells_what_its_error_means_and_what_was_charged(desk, alice):
    item = make_failed(alice, text="x" * 500)
    make_usage(item)

    page = page_of(desk, item)

    assert "x" * 500 in page
    assert "The engine broke on this text or sound." in page
    assert "5 characters, 1.0 s" in page


@pytest.mark.parametrize("term", ["alice", "{item}", "{job}"])
def test_items_are_found_by_what_an_index_knows(desk, alice, bob, term):
    item, _ = make_item(alice), make_item(bob)

    listed = desk.get(reverse("admin:jobs_item_changelist"), {"q": term.format(item=item.pk, job=item.job_id)})

    assert [row.pk for row in listed.context["cl"].result_list] == [item.pk]


# ── What staff do to one ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_nothing_is_done_before_the_question_is_answered(desk, alice):
    item = make_item(alice)
    address = reverse("admin:jobs_job_cancel_this", args=[quote(item.job_id)])

    asked = desk.get(address)
    assert asked.status_code == 200
    assert Job.objects.get().state == State.QUEUED

    desk.post(address, YES)
    assert Job.objects.get().state == State.CANCELLED


def test_one_failed_item_is_tried_again_and_no_other(desk, alice):
    item = make_failed(alice)
    other = make_item(alice, job=item.job, position=1, state=State.FAILED, attempt=3)
    Job.objects.update(failed=2, total=2)

    desk.post(reverse("admin:jobs_item_retry_this", args=[item.pk]), YES)

    assert dict(Item.objects.values_list("pk", "state")) == {item.pk: State.QUEUED, other.pk: State.FAILED}


def test_one_item_is_cancelled(desk, alice):
    item = make_running(alice)

    desk.post(reverse("admin:jobs_item_cancel_this", args=[item.pk]), YES)

    assert Item.objects.get().stop_asked_at is not None
    assert AuditEntry.objects.get(row_id=item.pk).detail == "cancelled"


def test_the_priority_of_what_waits_is_changed(desk, alice):
    job = make_batch(alice, 2)

    desk.post(reverse("admin:jobs_job_move_this", args=[job.pk]), {**YES, "priority": "7"})

    assert [Job.objects.get().priority, *Item.objects.values_list("priority", flat=True)] == [7, 7, 7]


def test_what_somebody_listens_to_has_no_turn_to_wait_for(alice):
    item = make_item(alice)

    with pytest.raises(InvalidState):
        move(job=item.job, priority=7)

    item.job.refresh_from_db()
    assert item.job.priority == 0


# ── By another voice ────────────────────────────────────────────────────────────────────────────────────────────────────────


def speak_by(desk: Client, job: Job, voice: Any) -> str:
    answer = desk.post(reverse("admin:jobs_job_speak_this_by", args=[quote(job.pk)]), {**YES, "voice": voice.pk}, follow=True)
    return answer.content.decode()


def test_a_job_is_made_again_by_another_voice_for_the_same_owner(desk, alice):
    voice = make_voice()
    job = make_job(alice, total=1, name="chapter one", state=State.COMPLETED)
    make_item(alice, job=job, text="hello", ref="a", state=State.COMPLETED, format="mp3", options=tone_options(speed=1.5))

    speak_by(desk, job, voice)

    again = Job.objects.exclude(pk=job.pk).get()
    item = again.items.get()
    assert (again.owner, again.name, again.state) == (alice, "chapter one", State.QUEUED)
    assert (item.text, item.ref, item.format, item.batch, item.options["speed"]) == ("hello", "a", "mp3", True, 1.5)
    assert (item.voice, item.options["voice"]) == (voice, voice.name)


def test_a_voice_of_somebody_else_is_refused(desk, alice, bob):
    item = make_item(alice, options=tone_options(language="en"))

    page = speak_by(desk, item.job, make_voice(owner=bob, name="mine"))

    assert "There is no voice" in page
    assert Job.objects.count() == 1


def test_whoever_has_no_characters_left_gets_no_second_job(desk, alice):
    Plan.objects.create(name="none", is_default=True, characters=0)
    job = make_job(alice, state=State.COMPLETED)
    make_item(alice, job=job, state=State.COMPLETED, options=tone_options(language="en"))

    page = speak_by(desk, job, make_voice())

    assert "characters" in page
    assert Job.objects.count() == 1


# ── Many at once ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_much_is_done_by_a_worker_and_its_page_says_how_far_it_is(desk, alice, bob, rung, monkeypatch):
    monkeypatch.setattr(errands, "AT_ONCE", 1)
    jobs = [make_batch(alice, 1), make_batch(bob, 1), make_job(alice, state=State.COMPLETED)]

    page = act(desk, "jobs_job", "cancel", *jobs)
    assert Job.objects.filter(state=State.CANCELLED).count() == 0
    assert "nothing yet" in page

    errand = Errand.objects.get()
    shown = desk.get(reverse("admin:jobs_errand_change", args=[errand.pk]))
    assert (rung, shown["Refresh"]) == ([errand.pk], "3")

    errands.run(errand.pk)
    shown = desk.get(reverse("admin:jobs_errand_change", args=[errand.pk]))
    assert "Of 3: 2 done, 1 refused" in shown.content.decode()
    assert "Refresh" not in shown
    assert Job.objects.filter(state=State.CANCELLED).count() == 2
    assert set(AuditEntry.objects.filter(detail__contains=errand.pk).values_list("who_name", "row_id")) == {
        ("staff", jobs[0].pk),
        ("staff", jobs[1].pk),
    }


def test_an_errand_is_gone_on_with_where_its_worker_left_it(alice, rung):
    jobs = [make_batch(alice, 1) for _ in range(2)]
    errand = errands.begin("cancel", [job.pk for job in jobs], options={}, by={})
    Errand.objects.update(done=1, taken_until=Now() + timedelta(minutes=1))

    errands.run(errand.pk)
    assert not Job.objects.filter(state=State.CANCELLED).exists()  # another has it

    Errand.objects.update(taken_until=Now() - timedelta(seconds=1))
    errands.resume()
    errands.run(rung[-1])
    assert [job.state for job in Job.objects.order_by("pk")] == [State.QUEUED, State.CANCELLED]
    errand.refresh_from_db()
    assert errand.finished_at is not None


def test_an_errand_whose_worker_died_before_it_counted_makes_no_second_job(desk, alice, rung, monkeypatch):
    monkeypatch.setattr(errands, "AT_ONCE", 0)
    job = make_job(alice, state=State.COMPLETED)
    make_item(alice, job=job, state=State.COMPLETED, options=tone_options(language="en"))
    speak_by(desk, job, make_voice())
    errands.run(rung[0])

    Errand.objects.update(done=0, notes=[], finished_at=None, taken_until=None)
    errands.run(rung[0])

    again = Job.objects.exclude(pk=job.pk).get()
    errand = Errand.objects.get()
    assert (errand.done, errand.refused) == (1, 0)
    assert again.pk in errand.notes[0]["done"]


# ── The inbox ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def inbox(desk: Client, span: str = "day") -> dict[str, Any]:
    response = desk.get(reverse("admin:jobs_failure_changelist"), {"span": span})
    assert response.status_code == 200
    return {group.code: group for group in response.context["groups"]}


def test_failures_are_grouped_by_reason_with_whose_they_are(desk, alice, bob):
    items = [make_failed(alice), make_failed(bob), make_failed(alice), make_failed(alice, code="timed_out")]
    Item.objects.filter(pk=items[3].pk).update(finished_at=Now() - timedelta(hours=2))

    groups = inbox(desk)

    assert [(group.code, group.count, group.new) for group in groups.values()] == [("engine_failed", 3, 3), ("timed_out", 1, 1)]
    assert [(name, number) for _, name, number in groups["engine_failed"].tenants] == [("alice", 2), ("bob", 1)]
    assert groups["engine_failed"].examples[0].pk == items[2].pk
    assert set(inbox(desk, "hour")) == {"engine_failed"}


def test_nobody_has_seen_what_is_yet_to_fail(desk, alice):
    desk.post(reverse("admin:jobs_failure_seen"), {"code": "engine_failed", "until": "2999-01-01T00:00:00Z"})

    make_failed(alice)

    assert inbox(desk)["engine_failed"].new == 1


def test_what_was_seen_is_new_no_more_and_what_fails_later_is(desk, alice):
    make_failed(alice)
    page = desk.get(reverse("admin:jobs_failure_changelist"))
    until = page.content.decode().split('name="until" value="')[1].split('"')[0]

    desk.post(reverse("admin:jobs_failure_seen"), {"code": "engine_failed", "until": until})
    assert inbox(desk)["engine_failed"].new == 0

    make_failed(alice)
    assert (inbox(desk)["engine_failed"].count, inbox(desk)["engine_failed"].new) == (2, 1)


def test_all_of_a_group_is_tried_again_and_nothing_else(desk, alice, bob):
    make_worker()
    items = [make_failed(alice), make_failed(bob), make_failed(bob, code="timed_out")]
    fields = {"code": "engine_failed", "span": "day"}

    asked = desk.post(reverse("admin:jobs_failure_retry"), fields)
    assert "2 items that failed for engine_failed" in asked.content.decode()
    assert Item.objects.filter(state=State.FAILED).count() == 3

    desk.post(reverse("admin:jobs_failure_retry"), {**fields, **YES})
    assert list(Item.objects.filter(state=State.FAILED)) == [items[2]]


@pytest.mark.parametrize("fields", [{"code": ""}, {"code": "x" * 65}, {"code": "x", "until": "soon"}, {"code": "x", "until": "2026-13-01"}])
def test_an_odd_answer_to_the_inbox_is_no_fault_of_ours(desk, fields):
    assert desk.post(reverse("admin:jobs_failure_seen"), fields).status_code == 404
