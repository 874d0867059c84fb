"""`manage.py audit_usage`: silent while everything adds up, and loud about anything that does not."""

from __future__ import annotations

import io
import uuid
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from accounts.models import Quota, Usage, User
from accounts.quotas import Amount
from jobs import services
from jobs.models import Item, State
from tests.factories import make_worker, tone_options

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.shapes("embedded", "deployed")]

BREATH = 0.02
# seconds between two audits, for SQLite lets nobody write during one


def submit(owner: User, number: int = 1) -> list[Item]:
    """Items of five characters and a second, each expected to come to that."""
    make_worker(id=f"worker-{uuid.uuid4()}")
    order = services.Order(
        actor="speak",
        text="hello",
        format="pcm",
        media_type="audio/pcm",
        expected=Amount(5, 1000),
        store=False,
        options=tone_options(),
    )
    job = services.submit(owner=owner, api_key=None, kind="speech", orders=[order] * number)
    return list(job.items.select_related("job").order_by("position"))


def complete(item: Item, amount: Amount = Amount(4, 900)) -> None:  # noqa: B008  -- it is frozen
    assert item.claim(worker="test", lease=timedelta(seconds=60))
    assert item.end(State.COMPLETED, charge=item.charge(amount))


@pytest.fixture
def ledger(alice: User, bob: User) -> Item:
    """Some of everything: work of two people that is done, has failed, runs and waits. Gives alice's completed item."""
    done, failed, running, _ = submit(alice, 4)
    complete(done)
    assert failed.claim(worker="test", lease=timedelta(seconds=60))
    assert failed.end(State.FAILED)
    assert running.claim(worker="test", lease=timedelta(seconds=60))
    complete(submit(bob)[0])
    return done


def audit() -> list[str]:
    """The lines that the audit prints before its summary; it fails if and only if there are any."""
    text, code = io.StringIO(), 0
    try:
        call_command("audit_usage", stdout=text)
    except SystemExit as end:
        code = int(end.code or 0)
    *lines, summary = text.getvalue().splitlines()
    assert (code, summary) == ((1, f"{len(lines)} differences.") if lines else (0, "Counters, ledger and items add up."))
    return lines


def test_nothing_at_all_adds_up():
    assert audit() == []


def test_work_in_every_state_adds_up(ledger):
    assert audit() == []


@pytest.mark.parametrize("column", ["characters", "speech_ms", "transcription_ms", "conversion_ms"])
def test_a_counter_that_is_one_off_is_found(ledger, alice, column):
    Quota.objects.of(alice).update(**{column: F(column) + 1})

    (line,) = audit()

    quota = Quota.objects.of(alice).get()
    count = getattr(quota, column)
    assert line == f"{alice.pk} from {quota.starts_at:%Y-%m-%dT%H:%M:%SZ}: {column} says {count}, the rows add up to {count - 1}"


@pytest.mark.parametrize("column", ["characters", "speech_ms", "transcription_ms", "conversion_ms"])
def test_a_reservation_that_is_one_off_is_found(ledger, bob, column):
    Quota.objects.of(bob).update(**{f"{column}_reserved": F(f"{column}_reserved") + 1})

    (line,) = audit()

    assert line.endswith(f"{column}_reserved says 1, the rows add up to 0")


def test_a_row_of_the_ledger_that_was_changed_is_found(ledger):
    Usage.objects.filter(item_id=ledger.pk).update(milliseconds=F("milliseconds") - 1)

    (line,) = audit()

    assert "speech_ms says 900, the rows add up to 899" in line


def test_a_row_of_another_kind_is_missing_from_one_counter_and_too_much_for_another(ledger):
    Usage.objects.filter(item_id=ledger.pk).update(kind="conversion")

    lines = audit()

    assert [line.partition(": ")[2] for line in lines] == [
        "speech_ms says 900, the rows add up to 0",
        "conversion_ms says 0, the rows add up to 900",
    ]


def test_a_row_of_the_ledger_that_was_removed_is_found_twice(ledger):
    Usage.objects.filter(item_id=ledger.pk).delete()

    lines = audit()

    assert f"{ledger.pk} is completed, and the ledger does not tell of it" in lines
    assert any("characters says 4, the rows add up to 0" in line for line in lines)


def test_usage_of_a_period_without_counters_is_found_though_it_was_for_nothing(ledger, alice):
    Usage.objects.filter(item_id=ledger.pk).update(period_starts_at="2020-01-01T00:00:00Z", characters=0, milliseconds=0)

    lines = audit()

    assert f"{alice.pk} from 2020-01-01T00:00:00Z: there are rows but no counters" in lines


def test_an_item_that_is_over_with_something_reserved_is_found(ledger):
    Item.objects.filter(pk=ledger.pk).update(period_starts_at="2026-01-01T00:00:00Z")

    assert audit() == [f"{ledger.pk} is over, and something is still reserved for it"]


def test_an_open_item_whose_reservation_was_given_back_is_found(ledger, alice):
    Item.objects.of(alice).filter(state=State.RUNNING).update(period_starts_at=None)

    lines = audit()

    assert [line.partition(": ")[2] for line in lines] == [
        "characters_reserved says 10, the rows add up to 5",
        "speech_ms_reserved says 2000, the rows add up to 1000",
    ]


@pytest.mark.parametrize(("state", "what"), [("failed", "has failed, and was charged for"), ("running", "is open, and was charged for")])
def test_an_item_that_was_charged_for_without_a_result_is_found(ledger, state, what):
    Item.objects.filter(pk=ledger.pk).update(state=state)

    assert audit() == [f"{ledger.pk} {what}"]


def test_an_item_that_was_stopped_after_a_while_is_charged_for_what_was_made(alice):
    (item,) = submit(alice)
    assert item.claim(worker="test", lease=timedelta(seconds=60))
    assert item.end(State.CANCELLED, charge=item.charge(Amount(2, 400)))

    assert Usage.objects.get().characters == 2
    assert audit() == []


def test_it_asks_as_much_of_many_items_as_of_a_few(ledger, alice):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            audit()
        return len(captured)

    few = queries()
    for item in submit(alice, 30):
        complete(item)

    assert queries() == few


def test_it_is_right_while_the_system_works(ledger, alice, bob):
    def work(owner: User) -> None:
        try:
            for _ in range(10):
                complete(submit(owner)[0])
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        workers = [threads.submit(work, owner) for owner in (alice, bob)]
        while wait(workers, timeout=BREATH).not_done:
            assert audit() == []

    for worker in workers:
        worker.result()
    assert audit() == []


@pytest.mark.shapes("deployed")  # SQLite has no writers beside a transaction
def test_on_postgresql_it_sees_one_moment_and_changes_nothing(ledger):
    with CaptureQueriesContext(connection) as captured:
        audit()

    assert "REPEATABLE READ READ ONLY" in captured[1]["sql"]
