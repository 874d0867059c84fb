from __future__ import annotations

import dramatiq
import pytest
from dramatiq.errors import ConnectionClosed

from accounts.quotas import Amount
from config.errors import Overloaded
from jobs import services
from jobs.errors import InvalidState
from jobs.models import Item, Job, State
from tests.factories import make_item, make_job, make_running, make_worker, tone_options

pytestmark = pytest.mark.shapes("embedded", "deployed")


def order(text: str = "hello", *, actor: str = "speak") -> services.Order:
    return services.Order(
        actor=actor,
        text=text,
        format="pcm",
        media_type="audio/pcm",
        expected=Amount(len(text), 1000),
        store=False,
        options=tone_options(),
    )


def test_a_job_and_its_items_are_written_together(db, alice):
    make_worker()

    job = services.submit(owner=alice, api_key=None, kind="speech", orders=[order("a"), order("b")])

    assert job.total == 2
    assert list(job.items.values_list("text", "position", "state")) == [("a", 0, "queued"), ("b", 1, "queued")]


def test_messages_leave_when_the_rows_are_committed(db, alice, django_capture_on_commit_callbacks, monkeypatch):
    make_worker()
    sent: list[str] = []
    monkeypatch.setattr(dramatiq.get_broker(), "enqueue", lambda message, **_: sent.append(message.args[0]))

    with django_capture_on_commit_callbacks(execute=True):
        job = services.submit(owner=alice, api_key=None, kind="speech", orders=[order()])
        assert sent == []

    assert sent == [job.items.get().pk]


def test_a_broker_that_is_away_does_not_refuse_the_work(db, alice, django_capture_on_commit_callbacks, monkeypatch):
    make_worker()

    def away(*_: object, **__: object) -> None:
        raise ConnectionClosed("gone")

    monkeypatch.setattr(dramatiq.get_broker(), "enqueue", away)

    with django_capture_on_commit_callbacks(execute=True):
        services.submit(owner=alice, api_key=None, kind="speech", orders=[order()])

    assert Item.objects.get().rung_at is None


def test_without_a_worker_work_is_refused(db, alice):
    with pytest.raises(Overloaded):
        services.submit(owner=alice, api_key=None, kind="speech", orders=[order()])

    assert not Job.objects.exists()


def test_a_full_queue_refuses_more(db, alice, settings):
    settings.MAX_QUEUED = 2
    make_worker()
    make_item(alice)
    make_item(alice)

    with pytest.raises(Overloaded) as refused:
        services.submit(owner=alice, api_key=None, kind="speech", orders=[order()])

    assert refused.value.retry_after


def test_a_queue_that_is_full_refuses_nothing_of_another(db, alice, settings):
    settings.MAX_QUEUED = 1
    make_worker()
    make_item(alice, actor="speak_by_model")

    job = services.submit(owner=alice, api_key=None, kind="speech", orders=[order()])

    assert job.total == 1
    with pytest.raises(Overloaded):
        services.submit(owner=alice, api_key=None, kind="speech", orders=[order(actor="speak_by_model")])


def test_cancelling_a_job_ends_its_queued_items_and_stops_its_running_ones(db, alice):
    running = make_running(alice)
    queued = make_item(alice, job=running.job)
    Job.objects.update(total=2, state=State.RUNNING)

    services.cancel(job=Job.objects.get())

    queued.refresh_from_db()
    running.refresh_from_db()
    assert queued.state == State.CANCELLED
    assert running.stop_asked_at is not None


def test_a_job_that_is_over_can_not_be_cancelled(db, alice):
    job = make_job(alice, state=State.COMPLETED)

    with pytest.raises(InvalidState):
        services.cancel(job=job)


def test_a_retry_queues_the_failed_items_only(db, alice):
    failed = make_item(alice, state=State.FAILED, attempt=1)
    done = make_item(alice, job=failed.job, state=State.COMPLETED)
    Job.objects.update(failed=1, completed=1, state=State.COMPLETED)

    assert services.retry(job=Job.objects.get()) == 1

    failed.refresh_from_db()
    done.refresh_from_db()
    assert (failed.state, done.state) == (State.QUEUED, State.COMPLETED)


def test_a_job_without_failed_items_can_not_be_retried(db, alice):
    item = make_item(alice, state=State.COMPLETED)

    with pytest.raises(InvalidState):
        services.retry(job=item.job)
