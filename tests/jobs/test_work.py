from __future__ import annotations

import hashlib
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from django.db import OperationalError, connection, transaction
from django.db.models.functions import Now
from dramatiq.middleware import TimeLimitExceeded

from accounts.errors import InsufficientQuota
from accounts.models import Usage
from config.errors import Refusal
from jobs import storage
from jobs.dealing import sweep
from jobs.errors import StorageUnavailable
from jobs.keeper import Keeper, keeper
from jobs.models import Blob, Item, Job, Output, State
from jobs.streams import streams
from jobs.streams.base import Entry, Kind
from jobs.work import OUTAGE_ATTEMPTS, Work, claim
from tests.factories import make_item, make_running
from tests.waiting import TIMEOUT_S
from voice.engines.base import EngineFailed, UnsupportedText

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.shapes("embedded", "deployed")]


async def told(item: Item) -> list[Entry]:
    """What the item's stream holds."""
    entries = []
    async for entry in streams().read(item.pk, wait=0.05):
        if entry is None:
            break
        entries.append(entry)
    return entries


def claimed(item: Item) -> Work:
    work = claim(item.pk)
    assert work is not None
    return work


def test_what_was_written_is_stored_charged_and_told(alice):
    item = make_item(alice)

    with claimed(item) as work:
        work.write(b"abc", seconds=0.5)
        work.write(b"def", seconds=0.25)
        work.characters = 5

    output = Output.objects.get()
    assert (output.id, output.seconds, output.bytes, output.attempt) == (item.output_id, 0.75, 6, 1)
    assert output.sha256 == hashlib.sha256(b"abcdef").hexdigest()
    with default_storage.open(output.blob_id) as file:
        assert file.read() == b"abcdef"
    usage = Usage.objects.get()
    assert (usage.item_id, usage.characters, usage.seconds, usage.owner) == (item.pk, 5, 0.75, alice)
    assert Job.objects.get().state == State.COMPLETED


async def test_the_stream_tells_of_the_start_every_piece_and_the_end(alice):
    from asgiref.sync import sync_to_async

    item = await sync_to_async(make_item)(alice)

    def make() -> None:
        with claimed(item) as work:
            work.write(b"abc")
            work.write(b"de")

    await sync_to_async(make)()

    assert await told(item) == [
        Entry(Kind.START, 1, 0),
        Entry(Kind.DATA, 1, 0, b"abc"),
        Entry(Kind.DATA, 1, 3, b"de"),
        Entry(Kind.END, 1, 5),
    ]


def test_nothing_is_kept_of_an_item_that_is_not_to_be_stored(alice):
    item = make_item(alice, store=False)

    with claimed(item) as work:
        work.write(b"abc", seconds=1)

    assert not Output.objects.exists()
    assert not default_storage.exists(f"{item.output_id}-1.pcm")
    assert Item.objects.get().state == State.COMPLETED
    assert Usage.objects.get().seconds == 1


def test_a_part_has_no_name_that_a_killed_process_could_leave_behind(alice, settings):
    with claimed(make_item(alice)) as work:
        work.write(b"abc")
        assert not list(Path(settings.PARTS_DIR).iterdir())


def test_a_start_known_only_at_the_end_is_written_over(alice):
    with claimed(make_item(alice)) as work:
        work.write(b"????abc")
        work.rewrite_start(b"HEAD")
        work.write(b"def")

    output = Output.objects.get()
    assert default_storage.open(output.blob_id).read() == b"HEADabcdef"
    assert output.bytes == 10


def test_an_item_is_left_alone_when_someone_else_has_it(alice):
    item = make_running(alice)

    assert claim(item.pk) is None
    assert claim("item_unknown") is None


def test_a_message_that_arrives_twice_makes_one_output(alice):
    item = make_item(alice)
    with claimed(item) as work:
        work.write(b"abc")

    assert claim(item.pk) is None
    assert Output.objects.count() == 1


def test_a_refusal_ends_the_item_and_is_kept(alice):
    item = make_item(alice)

    with claimed(item):
        raise UnsupportedText("It has no vowels.")

    item.refresh_from_db()
    assert (item.state, item.error_code, item.error_message, item.error_status) == ("failed", "unsupported_text", "It has no vowels.", 400)
    assert not Usage.objects.exists()


def test_a_passing_fault_queues_the_item_for_another_attempt(alice):
    item = make_item(alice)

    with claimed(item):
        raise EngineFailed

    item.refresh_from_db()
    assert (item.state, item.attempt, item.rung_at) == (State.QUEUED, 1, None)
    assert claim(item.pk) is None, "not due yet"


def test_a_passing_fault_in_the_last_attempt_is_a_failure(alice):
    item = make_item(alice, attempt=2, attempts_allowed=3)

    with claimed(item):
        raise EngineFailed

    item.refresh_from_db()
    assert (item.state, item.error_code) == (State.FAILED, "engine_failed")


@pytest.mark.parametrize("fault", [OSError("disk"), OperationalError("gone")])
def test_an_environment_that_breaks_is_a_passing_fault(alice, fault):
    item = make_item(alice)

    with claimed(item):
        raise fault

    assert Item.objects.get().state == State.QUEUED


def test_a_mistake_of_ours_fails_without_its_details(alice):
    item = make_item(alice)

    with claimed(item):
        raise KeyError("/secret/path")

    item.refresh_from_db()
    assert (item.state, item.error_code) == (State.FAILED, "internal_error")
    assert "secret" not in item.error_message


def test_what_dramatiq_interrupts_has_timed_out(alice):
    with claimed(make_item(alice)):
        raise TimeLimitExceeded

    assert Item.objects.get().error_code == "timed_out"


def test_what_takes_longer_than_allowed_times_out(alice, settings):
    settings.ITEM_TIME_LIMIT = timedelta(seconds=-1)

    with claimed(make_item(alice)) as work:
        work.write(b"abc")

    assert Item.objects.get().error_code == "timed_out"


def test_an_interrupted_process_gives_the_item_back(alice):
    with pytest.raises(KeyboardInterrupt), claimed(make_item(alice)):
        raise KeyboardInterrupt

    assert Item.objects.get().state == State.QUEUED


def test_a_cancelled_item_stops_between_blocks_and_costs_what_was_made(alice):
    item = make_item(alice)

    with claimed(item) as work:
        keeper.beat()
        work.write(b"abc", seconds=1.5)
        item.cancel()
        keeper.beat()
        work.write(b"def", seconds=1.5)

    item.refresh_from_db()
    assert item.state == State.CANCELLED
    assert Usage.objects.get().seconds == 1.5
    assert not Output.objects.exists()


def test_an_item_that_was_taken_over_is_left_to_its_new_worker(alice):
    item = make_item(alice)

    with claimed(item) as work:
        work.write(b"old", seconds=1)
        Item.objects.update(lease_until=Now() - timedelta(seconds=1))
        second = claimed(item)

    assert not Output.objects.exists()
    assert not default_storage.exists(f"{item.output_id}-1.pcm")
    with second as work:
        work.write(b"new", seconds=1)
    assert default_storage.open(Output.objects.get().blob_id).read() == b"new"
    assert Usage.objects.count() == 1


def test_a_storage_that_refuses_is_a_passing_fault(alice, settings, tmp_path):
    item = make_item(alice)
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {"BACKEND": "jobs.storage.Folder", "OPTIONS": {"location": blocked}},
    }

    with claimed(item) as work:
        work.write(b"abc", seconds=1)

    item.refresh_from_db()
    assert item.state == State.QUEUED
    assert not Usage.objects.exists()


def test_bytes_that_somebody_removes_before_their_output_is_recorded_are_stored_again(alice, monkeypatch):
    kept: list[str] = []
    keep = storage.keep

    def keep_and_lose_once(*arguments, **options) -> Blob:
        blob = keep(*arguments, **options)
        kept.append(blob.pk)
        if len(kept) == 1:
            assert storage.remove(blob.pk)
        return blob

    monkeypatch.setattr(storage, "keep", keep_and_lose_once)
    with claimed(make_item(alice)) as work:
        work.write(b"data", seconds=1.0)

    output = Output.objects.get()
    assert (output.item.state, Usage.objects.count(), len(kept)) == (State.COMPLETED, 1, 2)
    with default_storage.open(output.blob_id) as file:
        assert file.read() == b"data"


def test_a_lease_is_kept_while_the_work_goes_on(alice):
    item = make_item(alice)

    with claimed(item):
        Item.objects.update(lease_until=Now() + timedelta(minutes=2))
        keeper.beat()
        assert Item.objects.filter(lease_until__gt=Now() + timedelta(minutes=3)).exists()


@pytest.mark.shapes("deployed")  # SQLite has one lock for all rows
def test_a_row_that_somebody_has_locked_costs_no_other_item_its_lease(alice):
    locked, free = make_item(alice), make_item(alice)
    have, over = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            Item.objects.select_for_update().get(pk=locked.pk)
            have.set()
            over.wait()
        connection.close()

    holder = threading.Thread(target=hold)
    with claimed(locked) as one, claimed(free) as other:
        Item.objects.update(lease_until=Now() + timedelta(minutes=2))
        holder.start()
        assert have.wait(TIMEOUT_S)
        # waiting for the locked row would last until the holder lets go, after this
        keeper.beat()
        over.set()
        holder.join()

        one.check()
        other.check()
        assert Item.objects.filter(pk=free.pk, lease_until__gt=Now() + timedelta(minutes=3)).exists()
    assert set(Item.objects.values_list("state", flat=True)) == {State.COMPLETED}


def test_keepers_of_two_processes_have_two_names():
    assert Keeper().name != Keeper().name


def test_the_error_of_a_failed_item_can_be_told_again(alice):
    item = make_item(alice)
    with claimed(item):
        raise UnsupportedText("It has no vowels.")

    item.refresh_from_db()

    assert isinstance(item.error, Refusal)
    assert (item.error.status, item.error.code, item.error.message) == (400, "unsupported_text", "It has no vowels.")


def test_the_error_of_an_item_that_crashed_its_workers_is_a_server_error(alice):
    item = make_running(alice, attempt=3, lease=timedelta(seconds=-1))
    sweep()

    item.refresh_from_db()

    assert (item.error.type, item.error.code) == ("server_error", "worker_crashed")


def test_the_error_of_a_cancelled_item_says_that_a_retry_does_not_help(alice):
    item = make_item(alice)
    assert item.cancel()

    item.refresh_from_db()

    assert (item.error.code, item.error.should_retry) == ("cancelled", False)


def test_the_error_of_an_item_beyond_its_owners_quota_is_told_as_that(alice):
    item = make_item(alice)
    with claimed(item):
        raise InsufficientQuota

    item.refresh_from_db()
    assert (item.error.status, item.error.type, item.error.should_retry) == (429, "insufficient_quota", False)


def test_what_is_told_only_at_its_end_and_not_stored_may_not_outgrow_the_stream(alice, settings):
    settings.STREAM_BYTES = 5

    with claimed(make_item(alice, store=False, streamed=False)) as work:
        work.write(b"abc")
        work.write(b"def")

    item = Item.objects.get()
    assert (item.state, item.error_code) == (State.FAILED, "output_too_large")


def test_a_passing_fault_of_an_item_that_is_to_stop_cancels_it(alice):
    item = make_item(alice)

    with claimed(item):
        item.cancel()
        raise OSError("the disk is away")

    assert Item.objects.get().state == State.CANCELLED


def test_a_folder_for_parts_that_can_not_be_made_is_a_passing_fault(alice, settings, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    settings.PARTS_DIR = blocked
    item = make_item(alice)

    with pytest.raises(FileExistsError), claimed(item):
        pass

    item.refresh_from_db()
    assert (item.state, item.attempt) == (State.QUEUED, 1)


def test_an_outage_costs_an_item_of_a_batch_none_of_its_attempts(alice):
    item = make_item(alice, batch=True)

    for _ in range(5):
        Item.objects.update(due_at=Now())
        with claimed(item):
            raise StorageUnavailable

    item.refresh_from_db()
    assert (item.state, item.attempt, item.attempts_allowed) == (State.QUEUED, 5, 8)


def test_an_outage_does_not_keep_a_batch_alive_for_ever(alice):
    item = make_item(alice, batch=True)

    for _ in range(OUTAGE_ATTEMPTS + 2):
        Item.objects.update(due_at=Now())
        with claimed(item):
            raise StorageUnavailable

    assert Item.objects.get().state == State.FAILED


def test_what_nobody_waits_for_lets_go_first_what_somebody_does(alice, monkeypatch):
    monkeypatch.setattr("jobs.work.COURTESY", TIMEOUT_S)
    live, batch = claimed(make_item(alice)), claimed(make_item(alice, batch=True))
    done: list[str] = []

    def make() -> None:
        with batch:
            batch.write(b"batch")
            done.append("batch")

    with live:
        thread = threading.Thread(target=make)
        thread.start()
        # time for the batch item to overtake, were it let to
        time.sleep(0.2)
        done.append("live")
    thread.join()

    assert done == ["live", "batch"]


def test_it_waits_for_a_moment_only_however_many_are_listened_to(alice, monkeypatch):
    monkeypatch.setattr("jobs.work.COURTESY", 0.01)
    live, batch = claimed(make_item(alice)), claimed(make_item(alice, batch=True))

    with live, batch:
        for _ in range(100):
            batch.write(b"batch")

    assert Item.objects.get(pk=batch.item.pk).state == State.COMPLETED
