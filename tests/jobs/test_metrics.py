from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now
from prometheus_client import REGISTRY

from accounts.models import User
from accounts.quotas import Amount
from config.errors import Overloaded
from jobs.dealing import sweep
from jobs.models import Item
from jobs.services import Order, cancel, leave, submit
from jobs.work import Work, claim
from tests.factories import make_item, make_job, make_running, make_worker, tone_options
from voice.engines.base import EngineFailed, UnsupportedText

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.shapes("embedded", "deployed")]


class Counted:
    """How much numbers grew since it was made."""

    def __init__(self, name: str, **labels: str) -> None:
        self._name, self._labels = name, labels
        self._before = self._now()

    def _now(self) -> float:
        return REGISTRY.get_sample_value(self._name, self._labels) or 0.0

    @property
    def more(self) -> float:
        return self._now() - self._before


def ended(outcome: str, code: str) -> Counted:
    return Counted("voice_items_ended_total", kind="speech", outcome=outcome, code=code)


def claimed(item: Item) -> Work:
    work = claim(item.pk)
    assert work is not None
    return work


def order(**fields) -> Order:
    return Order(actor="speak", text="a", format="pcm", media_type="audio/pcm", expected=Amount(1, 1), options=tone_options(), **fields)


def test_an_item_is_counted_from_its_queue_to_its_end(alice: User):
    item = make_item(alice)
    Item.objects.filter(pk=item.pk).update(due_at=Now() - timedelta(seconds=20))
    waited = Counted("voice_item_queue_wait_seconds_sum", queue="live")
    first = Counted("voice_item_first_audio_seconds_count", engine="tone", model="tone", delivery="live")
    lasted = Counted("voice_item_seconds_count", kind="speech", delivery="live")
    over = ended("completed", "none")

    with claimed(item) as work:
        work.write(b"ab", seconds=0.5)
        work.write(b"cd", seconds=0.5)

    assert waited.more == pytest.approx(20, abs=15)
    assert (first.more, lasted.more, over.more) == (1, 1, 1)


def test_a_failure_is_counted_by_its_code_and_a_passing_one_as_tried_again(alice: User):
    failed, again = ended("failed", "unsupported_text"), Counted("voice_item_retries_total", code="engine_failed")

    with claimed(make_item(alice)):
        raise UnsupportedText
    with claimed(make_item(alice)):
        raise EngineFailed

    assert (failed.more, again.more) == (1, 1)


def test_what_a_silent_worker_had_is_counted_whoever_finds_it(alice: User):
    expired, crashed = Counted("voice_item_leases_expired_total"), ended("failed", "worker_crashed")
    taken_over = make_running(alice, lease=-timedelta(seconds=1))
    make_running(alice, lease=-timedelta(seconds=1), attempt=3)

    assert claim(taken_over.pk)
    sweep()

    assert (expired.more, crashed.more) == (2, 1)


def test_what_is_cancelled_before_anybody_has_it_is_counted(alice: User):
    over = ended("cancelled", "cancelled")
    job = make_job(alice, total=3)
    for position in range(3):
        make_item(alice, job=job, position=position, batch=position > 0)

    cancel(job=job)

    assert over.more == 3


def test_what_is_cancelled_already_is_not_counted_again_when_nobody_listens_any_more(alice: User):
    item = make_item(alice)
    over = ended("cancelled", "cancelled")

    for _ in range(2):
        leave(item=item)

    assert over.more == 1


def test_what_is_submitted_is_counted_by_where_its_result_comes_from(alice: User):
    make_worker()
    submitted = Counted("voice_items_submitted_total", kind="speech", delivery="live")
    made, in_flight = (Counted("voice_items_reused_total", source=source) for source in ("made", "in_flight"))

    for _ in range(2):
        submit(owner=alice, api_key=None, kind="speech", orders=[order()])

    assert (submitted.more, made.more, in_flight.more) == (2, 1, 1)


def test_what_is_refused_is_counted_by_why(alice: User):
    refused = Counted("voice_admission_refusals_total", reason="no_worker")

    with pytest.raises(Overloaded):
        submit(owner=alice, api_key=None, kind="speech", orders=[order()])

    assert refused.more == 1
