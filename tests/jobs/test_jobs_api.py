"""`/v1/jobs`: what there is, how far it is, and what may be done to it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from accounts.models import Quota, Usage
from jobs.models import Item, Job, State
from tests.factories import make_item, make_job, make_running

pytestmark = pytest.mark.shapes("embedded", "deployed")


def test_it_lists_your_jobs_newest_first(db, alice, bob, client_of):
    old, new = make_job(alice), make_job(alice)
    make_job(bob)

    body = client_of(alice).get("/v1/jobs").json()

    assert [job["id"] for job in body["data"]] == sorted([old.pk, new.pk], reverse=True)
    assert body["has_more"] is False


def test_it_filters_by_state_time_and_metadata(db, alice, client_of):
    make_job(alice, state=State.COMPLETED, metadata={"project": "a"})
    wanted = make_job(alice, state=State.FAILED, metadata={"project": "a", "part": "1"})
    make_job(alice, state=State.FAILED, metadata={"project": "b"})
    client = client_of(alice)

    def ids(query: str) -> list[str]:
        return [job["id"] for job in client.get(f"/v1/jobs?{query}").json()["data"]]

    assert ids("state=failed&metadata[project]=a") == [wanted.pk]
    assert ids("metadata[project]=a&metadata[part]=1") == [wanted.pk]
    assert ids("metadata[nothing]=a") == []
    assert ids("created_after=4000000000") == []
    assert len(ids("created_before=4000000000&created_after=0")) == 3


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("state=done", "state"),
        ("created_after=yesterday", "created_after"),
        ("created_before=-1", "created_before"),
        ("created_before=999999999999999", "created_before"),
        ("created_before=²", "created_before"),
        ("ordering=owner__password", "ordering"),
        ("limit=101", "limit"),
        ("metadata=a", "metadata"),
    ],
)
def test_a_parameter_that_is_not_valid_is_named(db, alice, client_of, query, param):
    response = client_of(alice).get(f"/v1/jobs?{query}")

    error = response.json()["error"]
    assert (response.status_code, error["code"], error["param"]) == (400, "invalid_parameter", param)


def test_a_job_says_how_far_it_is(db, alice, client_of):
    first = make_job(alice)
    job = make_job(alice, total=3)
    items = [make_running(alice, job=job), make_running(alice, job=job), make_item(alice, job=job)]
    assert client_of(alice).get(f"/v1/jobs/{job.pk}").json()["queue_position"] == 1
    assert first.pk < job.pk
    Job.objects.filter(pk=job.pk).update(state=State.RUNNING, started_at=Now() - timedelta(seconds=10))
    items[0].end(State.COMPLETED)

    told = client_of(alice).get(f"/v1/jobs/{job.pk}").json()

    assert told["counts"] == {"total": 3, "completed": 1, "failed": 0, "cancelled": 0, "pending": 2}
    assert (told["state"], told["progress"], told["running"], told["queue_position"]) == ("running", 33, 1, None)
    assert told["eta_seconds"] == pytest.approx(20, abs=3)


def test_a_job_that_is_over_says_so(db, alice, client_of):
    item = make_running(alice)
    item.end(State.COMPLETED)

    told = client_of(alice).get(f"/v1/jobs/{item.job_id}").json()

    assert (told["state"], told["progress"], told["eta_seconds"]) == ("completed", 100, None)
    assert told["finished_at"] >= told["created_at"]


def test_items_come_in_their_order_and_by_state(db, alice, client_of):
    job = make_job(alice, total=5)
    items = [make_item(alice, job=job, position=position, ref=f"line {position}") for position in range(5)]
    Item.objects.filter(pk=items[3].pk).update(state=State.FAILED, error_code="tone_failed", error_message="It failed.")
    client = client_of(alice)

    first = client.get(f"/v1/jobs/{job.pk}/items?limit=3").json()
    rest = client.get(f"/v1/jobs/{job.pk}/items?limit=3&after={first['last_id']}").json()
    failed = client.get(f"/v1/jobs/{job.pk}/items?state=failed").json()

    assert [item["ref"] for item in first["data"] + rest["data"]] == [f"line {position}" for position in range(5)]
    assert (first["has_more"], rest["has_more"]) == (True, False)
    assert [item["error"] for item in failed["data"]] == [{"code": "tone_failed", "message": "It failed."}]


def test_items_are_not_paged_from_an_id_of_elsewhere(db, alice, client_of):
    job, other = make_job(alice), make_item(alice)

    response = client_of(alice).get(f"/v1/jobs/{job.pk}/items?after={other.pk}")

    assert (response.status_code, response.json()["error"]["param"]) == (400, "after")


@pytest.mark.parametrize(("method", "tail"), [("get", ""), ("get", "/items"), ("post", "/cancel"), ("post", "/retry")])
def test_it_hides_the_jobs_of_other_owners(db, alice, bob, client_of, method, tail):
    job = make_job(bob)
    make_item(bob, job=job)
    client = client_of(alice)

    foreign = getattr(client, method)(f"/v1/jobs/{job.pk}{tail}")
    absent = getattr(client, method)(f"/v1/jobs/job_{'0' * 26}{tail}")

    assert foreign.status_code == absent.status_code == 404
    assert foreign.json() == absent.json()
    assert Item.objects.get().state == State.QUEUED


def test_cancelling_ends_a_brief_at_once_and_releases_what_was_reserved(transactional_db, alice, client_of):
    job = make_job(alice, total=3)
    for position in range(3):
        make_item(alice, job=job, position=position, batch=True, rung_at=None, characters=10, milliseconds=500)
    Quota.objects.update(characters_reserved=30, speech_ms_reserved=1500)

    first = client_of(alice).post(f"/v1/jobs/{job.pk}/cancel")
    again = client_of(alice).post(f"/v1/jobs/{job.pk}/cancel")

    assert (first.status_code, first.json()["state"], first.json()["counts"]["cancelled"]) == (200, "cancelled", 3)
    assert (again.status_code, again.json()) == (200, first.json())
    quota = Quota.objects.get()
    assert (quota.characters_reserved, quota.speech_ms_reserved, quota.characters) == (0, 0, 0)
    assert not Usage.objects.exists()


def test_a_job_that_is_done_can_not_be_cancelled(db, alice, client_of):
    job = make_job(alice, state=State.COMPLETED)

    response = client_of(alice).post(f"/v1/jobs/{job.pk}/cancel")

    assert (response.status_code, response.json()["error"]["code"]) == (409, "invalid_state")


def test_a_retry_reserves_again_and_queues_what_failed_only(transactional_db, alice, client_of):
    job = make_job(alice, total=2, state=State.FAILED, failed=1, completed=1)
    failed = make_item(alice, job=job, state=State.FAILED, attempt=3, batch=True, rung_at=None, characters=7, milliseconds=300)
    make_item(alice, job=job, state=State.COMPLETED, position=1)

    response = client_of(alice).post(f"/v1/jobs/{job.pk}/retry", headers={"Idempotency-Key": "again"})
    twice = client_of(alice).post(f"/v1/jobs/{job.pk}/retry", headers={"Idempotency-Key": "again"})

    assert (response.status_code, twice.status_code) == (202, 202)
    assert response.json()["counts"]["failed"] == 0
    failed.refresh_from_db()
    assert failed.state == State.QUEUED
    assert Quota.objects.get().characters_reserved == 7


def test_a_job_without_failures_can_not_be_retried(db, alice, client_of):
    response = client_of(alice).post(f"/v1/jobs/{make_job(alice).pk}/retry")

    assert (response.status_code, response.json()["error"]["code"]) == (409, "invalid_state")
