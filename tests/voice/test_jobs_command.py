from __future__ import annotations

import json
from functools import partial

import pytest
from django.core.management import CommandError

from jobs.models import Item, Job, State
from tests.factories import make_item, make_job, make_voice, make_worker

pytestmark = pytest.mark.shapes("embedded", "deployed")


@pytest.fixture
def jobs(manage):
    return partial(manage, "jobs")


@pytest.fixture
def failed(alice) -> Job:
    """A job whose only item has failed."""
    job = make_job(alice, state=State.FAILED, failed=1, name="nightly")
    make_item(alice, job=job, state=State.FAILED, attempt=1, error_code="voice_revoked", error_message="No \x1b[31mmore.")
    return job


def test_the_list_has_the_newest_first_and_no_steps(alice, bob, jobs):
    older, newer = make_job(alice), make_job(bob, state=State.COMPLETED)
    make_job(alice, listed=False)

    assert [line.split("\t")[0] for line in jobs("list").splitlines()] == [newer.pk, older.pk]
    assert [row["id"] for row in json.loads(jobs("list", "--user", "alice", "--state", "queued", "--json"))] == [older.pk]


def test_one_job_is_shown_with_what_went_wrong(failed, jobs):
    plain, told = jobs("show", failed.pk), json.loads(jobs("show", failed.pk, "--json"))

    assert told["failures"] == ["1 × voice_revoked: No \x1b[31mmore."]
    assert "\x1b" not in plain
    assert "voice_revoked" in jobs("show", failed.pk, "--items", "--state", "failed")
    assert jobs("show", failed.pk, "--state", "completed") == ""


def test_a_job_is_cancelled_and_twice_is_no_error(alice, jobs):
    item = make_item(alice)

    assert "1 items are cancelled" in jobs("cancel", item.job_id)
    assert "before" in jobs("cancel", item.job_id)

    assert Job.objects.get().state == State.CANCELLED


def test_failed_items_are_queued_again_and_the_sweep_is_left_to_ring(failed, jobs, shape):
    assert "1 items are queued again" in jobs("retry", failed.pk)

    item = Item.objects.get()
    assert item.state == State.QUEUED
    assert shape == "deployed" or item.rung_at is None


@pytest.mark.parametrize(("completed", "state", "status"), [(1, State.COMPLETED, None), (0, State.FAILED, "1 items were not made")])
def test_watching_ends_with_the_job(alice, jobs, completed, state, status):
    job = make_job(alice, state=state, completed=completed, failed=1 - completed)

    if status is None:
        assert f"{job} is completed: 1 of 1 made" in jobs("watch", job.pk)
        return
    with pytest.raises(CommandError, match=status):
        jobs("watch", job.pk)


def test_a_table_of_texts_becomes_a_job(transactional_db, alice, jobs, tmp_path):
    make_voice(name="hans")
    make_worker()
    table = tmp_path / "texts.csv"
    table.write_text("input,ref\nHello.,a\nGood bye.,b\n")

    told = jobs("submit", str(table), "--user", "alice", "--voice", "hans", "--model", "flite", "--name", "two", "--format", "wav")

    job = Job.objects.get()
    assert (job.owner, job.name, job.total) == (alice, "two", 2)
    assert told == f"{job}: 2 items are queued.\n"
    assert {item.format for item in Item.objects.all()} == {"wav"}


@pytest.mark.parametrize(
    ("name", "text", "options", "told"),
    [
        ("texts.csv", "input,speed\nHello.,99\n", (), "Line 2: speed"),
        ("texts.doc", "Hello.", (), "Upload CSV"),
        ("texts.csv", "input\nHello.\n", ("--priority", "99"), "--priority"),
        ("none.csv", None, (), "No such file"),
    ],
)
def test_what_is_wrong_with_a_table_is_said_and_nothing_is_made(alice, jobs, tmp_path, name, text, options, told):
    make_voice(name="hans")
    if text is not None:
        (tmp_path / name).write_text(text)

    with pytest.raises(CommandError, match=told):
        jobs("submit", str(tmp_path / name), "--user", "alice", "--voice", "hans", *options)

    assert not Job.objects.exists()


def test_a_job_that_is_none_is_said(db, jobs):
    with pytest.raises(CommandError, match="There is no job job_none"):
        jobs("cancel", "job_none")
