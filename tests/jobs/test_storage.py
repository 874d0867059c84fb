from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files import File
from django.core.files.storage import default_storage
from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Now

from accounts.models import User
from jobs.errors import InvalidState, StorageUnavailable
from jobs.models import Blob, Output, State
from jobs.purging import purge
from jobs.storage import Folder, discard, forget, keep, remove
from tests.factories import keep_output, make_item, make_output, make_running, make_voice
from tests.waiting import TIMEOUT_S
from voice.models import Voice

pytestmark = pytest.mark.shapes("embedded", "deployed")

ROUNDS = 20


def files(folder: str = "") -> list[str]:
    """The names of all the files in the storage, hidden ones too."""
    root = Path(default_storage.path(folder))
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


class Broken(io.BytesIO):
    """Bytes that can be read once, to be hashed, and half of them a second time."""

    whole_reads = 0

    def seek(self, position: int, whence: int = 0) -> int:
        self.whole_reads += (position, whence) == (0, 0)
        return super().seek(position, whence)

    def read(self, size: int | None = -1) -> bytes:
        if self.whole_reads > 1 and self.tell() > 0:
            raise OSError("the disk is full")
        return super().read(size)


def test_the_same_bytes_are_one_file_and_one_row(db, alice):
    first = keep(io.BytesIO(b"same"), owner_id=alice.pk, form="pcm")
    second = keep(io.BytesIO(b"same"), owner_id=alice.pk, form="pcm")

    assert first == second
    assert files(str(alice.pk)) == [first.pk.partition("/")[2]]
    assert Blob.objects.count() == 1


def test_each_owner_has_a_file_of_his_own(db, alice, bob):
    names = {keep(io.BytesIO(b"same"), owner_id=owner.pk, form="pcm").pk for owner in (alice, bob)}

    assert len(names) == 2


def test_a_file_that_was_cut_short_is_written_again(db, alice):
    blob = keep(io.BytesIO(b"whole"), owner_id=alice.pk, form="pcm")
    Path(default_storage.path(blob.pk)).write_bytes(b"wh")

    keep(io.BytesIO(b"whole"), owner_id=alice.pk, form="pcm")

    assert Path(default_storage.path(blob.pk)).read_bytes() == b"whole"


def test_a_file_goes_with_the_last_output_that_is_its_bytes(transactional_db, alice):
    first, second = make_output(alice, b"same"), make_output(alice, b"same")

    forget(first)
    assert default_storage.exists(second.blob_id)

    forget(second)
    assert not default_storage.exists(second.blob_id)
    assert not Blob.objects.exists()


def test_an_output_that_is_gone_already_is_forgotten_in_peace(transactional_db, alice):
    output = make_output(alice)
    same = Output.objects.get()

    forget(output)
    forget(same)

    assert not Output.objects.exists()


def test_an_output_under_legal_hold_is_not_forgotten(transactional_db, alice):
    output = make_output(alice)
    Output.objects.update(legal_hold=True)

    with pytest.raises(InvalidState, match="legal hold"):
        forget(output)

    assert default_storage.exists(output.blob_id)


def test_a_save_that_fails_half_way_leaves_nothing(transactional_db, alice):
    before = files()

    with pytest.raises(StorageUnavailable):
        keep(Broken(b"x" * 200_000), owner_id=alice.pk, form="pcm")

    assert files() == before
    assert not Blob.objects.exists()


def test_a_file_with_a_row_is_not_discarded(transactional_db, alice):
    blob = keep(io.BytesIO(b"kept"), owner_id=alice.pk, form="pcm")

    assert not discard(blob.pk)
    assert default_storage.exists(blob.pk)

    Blob.objects.all().delete()
    assert discard(blob.pk)
    assert not default_storage.exists(blob.pk)
    assert not Blob.objects.exists()


def test_a_file_of_an_owner_who_is_gone_is_discarded(transactional_db, alice):
    blob = keep(io.BytesIO(b"kept"), owner_id=alice.pk, form="pcm")
    alice.delete()

    assert discard(blob.pk)

    assert not default_storage.exists(blob.pk)


def test_a_file_that_is_kept_while_it_is_discarded_is_there_in_the_end(transactional_db, alice, monkeypatch):
    name = keep(io.BytesIO(b"kept"), owner_id=alice.pk, form="pcm").pk
    Blob.objects.all().delete()
    delete = Folder.delete
    keeping: list[Future[Blob]] = []

    def keep_again() -> Blob:
        try:
            return keep(io.BytesIO(b"kept"), owner_id=alice.pk, form="pcm")
        finally:
            connection.close()

    def delete_late(storage: Folder, name: str) -> None:
        keeping.append(pool.submit(keep_again))
        wait(keeping, timeout=0.5)
        delete(storage, name)

    with ThreadPoolExecutor(1) as pool, monkeypatch.context() as patch:
        patch.setattr(Folder, "delete", delete_late)
        assert discard(name)

    assert keeping[0].result() == Blob.objects.get()
    assert default_storage.exists(name)


def test_whatever_is_removed_meanwhile_an_output_has_its_file(transactional_db, alice):
    """One deletes the only output of some bytes while a worker stores the same ones, and a check throws away what has no row.

    The worker may find its blob gone when it writes the row. Then it stores the bytes again, as `Work` does.
    """

    def run(step, *arguments):
        try:
            together.wait()
            return step(*arguments)
        finally:
            connection.close()

    def store(item) -> Output:
        for _ in range(10):
            try:
                return keep_output(item, b"same")
            except IntegrityError:
                continue
        raise AssertionError("never stored")

    for _ in range(ROUNDS):
        old = make_output(alice, b"same")
        item = make_item(alice, state=State.COMPLETED, attempt=1)
        together = threading.Barrier(4)

        with ThreadPoolExecutor(4) as pool:
            kept = pool.submit(run, store, item)
            others = [pool.submit(run, forget, old), pool.submit(run, remove, old.blob_id), pool.submit(run, discard, old.blob_id)]
            for other in others:
                other.result()

        output = kept.result()
        with default_storage.open(output.blob_id) as file:
            assert file.read() == b"same"
        assert Blob.objects.get() == output.blob
        forget(output)
        assert not default_storage.exists(output.blob_id)


class Upload:
    """Makes the storage slow: every save waits in the middle until it is told to go on."""

    def __init__(self, monkeypatch) -> None:
        self.begun = threading.Semaphore(0)
        self.goes_on = threading.Semaphore(0)
        self.in_transaction: list[bool] = []
        save = Folder._save

        def slow(storage: Folder, name: str, content: File[bytes]) -> str:
            if isinstance(content.file, Broken):
                return save(storage, name, content)
            self.in_transaction.append(connection.in_atomic_block)
            self.begun.release()
            assert self.goes_on.acquire(timeout=TIMEOUT_S)
            return save(storage, name, content)

        monkeypatch.setattr(Folder, "_save", slow)


@pytest.fixture
def upload(transactional_db, monkeypatch) -> Upload:
    return Upload(monkeypatch)


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


def keeping(threads: ThreadPoolExecutor, owner: User, data: bytes = b"same") -> Future[Blob]:
    def run() -> Blob:
        try:
            return keep(io.BytesIO(data), owner_id=owner.pk, form="pcm")
        finally:
            connection.close()

    return threads.submit(run)


def test_no_transaction_is_open_while_a_file_is_written(alice, upload, threads):
    kept = keeping(threads, alice)
    upload.begun.acquire(timeout=TIMEOUT_S)

    with transaction.atomic():
        assert Blob.objects.select_for_update(nowait=connection.features.has_select_for_update_nowait).get().writers == 1
    upload.goes_on.release()

    assert kept.result().pk
    assert upload.in_transaction == [False]
    assert (Blob.objects.get().writers, Blob.objects.get().kept_at is None) == (0, False)


@pytest.mark.shapes("deployed")  # PostgreSQL tells what its connections do
def test_an_upload_holds_no_transaction_open(alice, upload, threads):
    backends: list[int] = []

    def run() -> Blob:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                backends.extend(cursor.fetchone())
            return keep(io.BytesIO(b"large"), owner_id=alice.pk, form="pcm")
        finally:
            connection.close()

    kept = threads.submit(run)
    upload.begun.acquire(timeout=TIMEOUT_S)
    with connection.cursor() as cursor:
        cursor.execute("SELECT state FROM pg_stat_activity WHERE pid = %s", backends)
        states = cursor.fetchall()
    upload.goes_on.release()

    assert states == [("idle",)]
    assert default_storage.exists(kept.result().pk)


def test_nobody_removes_what_is_being_written(alice, upload, threads):
    first = keeping(threads, alice)
    upload.begun.acquire(timeout=TIMEOUT_S)
    name = Blob.objects.get().pk

    removed = remove(name), remove(name, untouched=timedelta(hours=1)), discard(name)
    purge()
    upload.goes_on.release()

    assert removed == (False, False, False)
    assert first.result() == Blob.objects.get()
    assert default_storage.exists(name)
    assert remove(name)


def test_of_several_that_write_the_same_the_last_one_opens_it_to_removal(alice, upload, threads):
    both = [keeping(threads, alice) for _ in range(2)]
    for _ in both:
        upload.begun.acquire(timeout=TIMEOUT_S)
    upload.goes_on.release()
    wait(both, return_when="FIRST_COMPLETED", timeout=TIMEOUT_S)
    name = Blob.objects.get().pk

    early = remove(name)
    upload.goes_on.release()
    wait(both, timeout=TIMEOUT_S)

    assert [each.result().pk for each in both] == [name, name]
    assert not early
    assert default_storage.exists(name)
    assert remove(name)
    assert not Blob.objects.exists()


def test_one_that_fails_leaves_the_row_to_another_that_writes_the_same(alice, upload, threads):
    other = keeping(threads, alice, b"x" * 200_000)
    upload.begun.acquire(timeout=TIMEOUT_S)

    with pytest.raises(StorageUnavailable):
        keep(Broken(b"x" * 200_000), owner_id=alice.pk, form="pcm")
    upload.goes_on.release()

    assert other.result() == Blob.objects.get()
    assert Blob.objects.get().writers == 0


def test_one_that_was_told_to_stop_leaves_nothing(transactional_db, alice, monkeypatch):
    def stop(*_) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Folder, "_save", stop)

    with pytest.raises(KeyboardInterrupt):
        keep(io.BytesIO(b"x"), owner_id=alice.pk, form="pcm")

    assert not Blob.objects.exists()


def test_what_a_killed_writer_leaves_is_removed_after_its_time(transactional_db, alice):
    file = keep(io.BytesIO(b"x"), owner_id=alice.pk, form="pcm")
    Blob.objects.update(kept_at=None)
    Blob.objects.begin(Blob(name=file.pk, owner=alice, bytes=1, sha256=file.sha256))

    purge()
    assert default_storage.exists(file.pk)

    Blob.objects.update(writing_until=Now() - timedelta(seconds=1))
    purge()
    assert not default_storage.exists(file.pk)
    assert not Blob.objects.exists()


def test_the_dead_are_not_counted_with_the_living(transactional_db, alice):
    row = {"name": "a", "owner": alice, "bytes": 1, "sha256": "x"}
    dead = Blob.objects.begin(Blob(**row))
    Blob.objects.update(writing_until=Now() - timedelta(seconds=1))
    dead.refresh_from_db()

    living = Blob.objects.begin(Blob(**row))

    assert living.writers == 1
    assert not dead.written()
    dead.given_up()
    assert Blob.objects.get().writers == 1
    assert living.written()
    assert Blob.objects.get().writers == 0


def test_a_file_that_was_written_too_late_is_not_relied_upon(transactional_db, alice, monkeypatch):
    monkeypatch.setattr("jobs.models.output.WRITING_TIME", timedelta(seconds=-1))

    with pytest.raises(StorageUnavailable):
        keep(io.BytesIO(b"x"), owner_id=alice.pk, form="pcm")

    purge()
    assert not Blob.objects.exists()


@pytest.mark.shapes("deployed")  # SQLite has one lock for all rows
def test_an_item_ends_whoever_has_the_rows_that_it_names(transactional_db, alice, threads):
    """Its owner's quota is locked then: waiting for a blob, it would wait for ever for one who has the blob and wants the quota."""
    blob = keep(io.BytesIO(b"source"), owner_id=alice.pk, form="pcm")
    item = make_running(alice, source=blob, voice=make_voice(owner=alice))

    def end() -> bool:
        try:
            return item.end(State.COMPLETED)
        finally:
            connection.close()

    with transaction.atomic():
        for rows in (Blob.objects.filter(pk=blob.pk), Voice.objects.filter(pk=item.voice_id)):
            assert list(rows.select_for_update(of=("self",)))
        ended = threads.submit(end).result(timeout=TIMEOUT_S)

    assert ended
