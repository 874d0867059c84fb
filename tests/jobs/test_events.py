from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from typing import Any

import pytest
from channels.db import database_sync_to_async

from config.errors import Refusal
from jobs import services
from jobs.events import Event, events
from jobs.models import Item, Job, State
from tests.factories import keep_output, make_item, make_job, make_running
from tests.waiting import TIMEOUT_S

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.shapes("embedded", "deployed")]


@pytest.fixture
def job(alice) -> Job:
    """Four items that ended: the third one first."""
    job = make_job(alice, total=4)
    items = [make_running(alice, job=job, position=position, ref=f"ref {position}") for position in range(4)]
    items[2].end(State.COMPLETED)
    items[0].end(State.FAILED, Refusal("No.", code="unspeakable"))
    items[1].end(State.COMPLETED)
    keep_output(items[1], b"sound")
    Item.objects.filter(pk=items[3].pk).update(state=State.QUEUED)
    items[3].cancel()
    job.refresh_from_db()
    return job


async def told(job: Job, after: int = 0) -> list[Event]:
    async with asyncio.timeout(TIMEOUT_S):
        return [event async for event in events(job.pk, after) if event is not None]


def numbered(found: list[Event]) -> list[tuple[int | None, str]]:
    return [(event.sequence, event.type) for event in found if event.sequence is not None]


ALL = [(1, "item.completed"), (2, "item.failed"), (3, "item.completed"), (4, "item.cancelled"), (5, "job.completed")]


async def test_ends_are_told_in_their_order_and_the_jobs_last(job):
    found = await told(job)

    assert numbered(found) == ALL
    assert [event.data["position"] for event in found[:4]] == [2, 0, 1, 3]


async def test_an_end_says_what_came_of_the_item(job):
    _, failed, made, cancelled, end = await told(job)

    item = await database_sync_to_async(job.items.get)(position=1)
    assert made.data == {"item_id": item.pk, "ref": "ref 1", "position": 1, "output_id": item.output_id, "seconds": 1.0, "error": None}
    assert failed.data["error"] == {"code": "unspeakable", "message": "No."}
    assert failed.data["output_id"] is None
    assert cancelled.data["error"]["code"] == "cancelled"
    assert end.data == job.summary()


@pytest.mark.parametrize("after", range(7))
async def test_they_go_on_after_any_of_them(job, after):
    assert numbered(await told(job, after)) == ALL[after:]


async def test_more_than_are_read_at_once_are_all_told(job, monkeypatch):
    monkeypatch.setattr("jobs.events.ROWS_AT_ONCE", 2)

    assert numbered(await told(job)) == ALL


async def test_they_are_told_while_they_happen(alice):
    job = await database_sync_to_async(make_job)(alice, total=3)
    items = [await database_sync_to_async(make_running)(alice, job=job, position=position) for position in range(3)]
    following = asyncio.create_task(told(job))
    for item in items:
        await asyncio.sleep(0.15)
        assert await database_sync_to_async(item.end)(State.COMPLETED)

    found = await following

    assert numbered(found) == [(1, "item.completed"), (2, "item.completed"), (3, "item.completed"), (4, "job.completed")]
    progress = [event for event in found if event.type == "job.progress"]
    assert progress[0].data == {
        "id": job.pk,
        "state": "queued",
        "counts": {"total": 3, "completed": 0, "failed": 0, "cancelled": 0},
    }
    assert len(progress) <= 2


async def test_a_job_that_rests_is_told_of_once_and_then_only_watched(alice):
    job = await database_sync_to_async(make_job)(alice)
    await database_sync_to_async(make_item)(alice, job=job)

    async with asyncio.timeout(TIMEOUT_S), aclosing(events(job.pk, 0)) as found:
        first = [await anext(found) for _ in range(5)]

    assert first[0] is not None
    assert first[0].type == "job.progress"
    assert first[1:] == [None] * 4


async def test_items_that_are_cancelled_together_share_a_number(alice):
    job = await database_sync_to_async(make_job)(alice, total=3)
    running = await database_sync_to_async(make_running)(alice, job=job)
    for position in (1, 2):
        await database_sync_to_async(make_item)(alice, job=job, position=position, batch=True)
    await database_sync_to_async(services.cancel)(job=job)
    await database_sync_to_async(running.end)(State.CANCELLED)

    assert numbered(await told(job)) == [(2, "item.cancelled"), (3, "job.cancelled")]
    assert numbered(await told(job, 1)) == [(2, "item.cancelled"), (3, "job.cancelled")]


async def test_a_retry_begins_after_the_end_that_was_told(alice):
    def make() -> Job:
        job = make_job(alice, total=2)
        make_running(alice, job=job, position=0).end(State.COMPLETED)
        make_running(alice, job=job, position=1).end(State.FAILED, Refusal())
        return job

    def retry(job: Job) -> None:
        services.retry(job=job)
        job.items.filter(position=1).update(state=State.RUNNING)
        assert job.items.get(position=1).end(State.COMPLETED)

    job = await database_sync_to_async(make)()
    before = numbered(await told(job))
    await database_sync_to_async(retry)(job)
    after = numbered(await told(job, before[-1][0] or 0))

    assert [kind for _, kind in after] == ["item.completed", "job.completed"]
    assert not {number for number, _ in before} & {number for number, _ in after}


async def test_a_job_that_is_no_more_has_no_events(job):
    await database_sync_to_async(Job.objects.filter(pk=job.pk).delete)()

    assert await told(job) == []


def received(response: Any) -> list[dict[str, str]]:
    """The events of an SSE body, each as its fields."""

    async def collect() -> bytes:
        return b"".join([part async for part in response])

    blocks = asyncio.run(collect()).decode().split("\n\n")
    return [dict(line.split(": ", 1) for line in block.split("\n")) for block in blocks if block]


def test_over_http_they_are_server_sent_events(job, alice, client_of):
    response = client_of(alice).get(f"/v1/jobs/{job.pk}/events", HTTP_ACCEPT="text/event-stream")

    assert (response.status_code, response["Content-Type"]) == (200, "text/event-stream")
    found = received(response)
    assert [(int(event["id"]), event["event"]) for event in found] == ALL
    assert json.loads(found[-1]["data"]) == job.summary()


def test_the_header_goes_before_the_address(job, alice, client_of):
    client = client_of(alice)

    by_header = received(client.get(f"/v1/jobs/{job.pk}/events?after=1", HTTP_LAST_EVENT_ID="3"))
    by_address = received(client.get(f"/v1/jobs/{job.pk}/events?after=3"))

    assert by_header == by_address
    assert [int(event["id"]) for event in by_header] == [4, 5]


def test_who_has_the_end_is_told_not_to_come_again(job, alice, client_of):
    assert client_of(alice).get(f"/v1/jobs/{job.pk}/events", HTTP_LAST_EVENT_ID="5").status_code == 204


@pytest.mark.parametrize("place", ["-1", "x", "", "1.5", "１", "9" * 5000, "2147483648"])
def test_a_place_that_is_no_number_is_refused(job, alice, client_of, place):
    by_header = client_of(alice).get(f"/v1/jobs/{job.pk}/events", HTTP_LAST_EVENT_ID=place)
    by_address = client_of(alice).get(f"/v1/jobs/{job.pk}/events", {"after": place})

    for response, param in ((by_header, "Last-Event-ID"), (by_address, "after")):
        assert (response.status_code, response.json()["error"]["code"]) == (400, "invalid_parameter")
        assert response.json()["error"]["param"] == param


def test_it_hides_the_jobs_of_other_owners(job, bob, client_of):
    foreign = client_of(bob).get(f"/v1/jobs/{job.pk}/events")
    absent = client_of(bob).get("/v1/jobs/job_00000000000000000000000000/events")

    assert foreign.status_code == absent.status_code == 404
    assert foreign.json() == absent.json()
