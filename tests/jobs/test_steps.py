"""Jobs that are steps on the way to something else: nothing of them is shown, announced or charged for."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from accounts.models import Plan, Quota, Usage
from accounts.quotas import Amount
from jobs.models import Item, Job, Output, State
from jobs.purging import purge
from jobs.services import About, Order, submit
from jobs.work import Work, claim
from tests.factories import make_item, make_job, make_worker

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.shapes("embedded", "deployed")]


def step(owner):
    make_worker()
    order = Order(actor="speak", text="", format="pcm", media_type="audio/pcm", expected=Amount(5, 1000), fresh=True, streamed=False)
    return submit(owner=owner, api_key=None, kind="intake", orders=[order], about=About(listed=False))


def claimed(item: Item) -> Work:
    work = claim(item.pk)
    assert work is not None
    return work


def test_its_owner_sees_neither_it_nor_its_output(alice, client_of):
    job = step(alice)
    item = job.items.get()
    client = client_of(alice)

    assert client.get(f"/v1/outputs/{item.output_id}/content").status_code == 404
    with claimed(item) as work:
        work.write(b"made", seconds=1)

    assert client.get("/v1/jobs").json()["data"] == []
    assert client.get("/v1/outputs").json()["data"] == []
    for address in (f"jobs/{job.pk}", f"jobs/{job.pk}/items", f"jobs/{job.pk}/events", f"outputs/{item.output_id}"):
        assert client.get(f"/v1/{address}").status_code == 404
    assert Output.objects.get().job == job


def test_what_is_not_metered_costs_nothing(alice):
    Plan.objects.create(name="none left", is_default=True, characters=0, speech_seconds=0)
    job = step(alice)

    with claimed(job.items.get()) as work:
        work.characters = 5
        work.write(b"made", seconds=1)

    assert Job.objects.get().state == State.COMPLETED
    assert not Usage.objects.exists()
    quota = Quota.objects.get()
    assert {name: value for name, value in vars(quota).items() if name.endswith(("_ms", "_reserved", "characters")) and value} == {}


def test_what_was_found_is_kept_with_the_output(alice):
    with claimed(step(alice).items.get()) as work:
        work.write(b"made")
        work.findings = {"found": 1}

    assert Output.objects.get().configuration == {"found": 1}


def test_one_that_nobody_cleared_away_is_purged_an_hour_after_its_end(alice):
    old, new, other = make_job(alice, listed=False), make_job(alice, listed=False), make_job(alice)
    for job, hours in ((old, 2), (new, 0), (other, 2)):
        make_item(alice, job=job, state=State.COMPLETED)
        Job.objects.filter(pk=job.pk).update(state=State.COMPLETED, finished_at=Now() - timedelta(hours=hours))
    open_still = make_job(alice, listed=False)

    purge()

    assert set(Job.objects.all()) == {new, other, open_still}
