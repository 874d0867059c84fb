from __future__ import annotations

import io
import os
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db.models.functions import Now

from jobs.models import Blob, Output, State
from jobs.storage import keep
from tests.factories import make_item, make_output

pytestmark = pytest.mark.shapes("embedded", "deployed")

LONG_AGO = 2 * 3600
# seconds


@pytest.fixture(autouse=True)
def _storage_of_its_own(settings, tmp_path) -> None:
    """What other tests left behind is no difference of ours."""
    ours = {"BACKEND": "jobs.storage.Folder", "OPTIONS": {"location": tmp_path / "outputs"}}
    settings.STORAGES = {**settings.STORAGES, "default": ours}


@pytest.fixture
def check() -> Callable[..., tuple[int, str]]:
    """Runs the command: its exit status, and what it said."""

    def run(*options: str) -> tuple[int, str]:
        out = io.StringIO()
        try:
            call_command("storage_check", *options, stdout=out)
        except SystemExit as end:
            return int(end.code or 0), out.getvalue()
        return 0, out.getvalue()

    return run


def put(name: str, *, age: float = LONG_AGO) -> str:
    """A file that nobody kept."""
    path = Path(default_storage.path(name))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"stray")
    os.utime(path, (time.time() - age, time.time() - age))
    return name


def test_where_all_is_well_there_is_nothing_to_say(db, alice, check):
    make_output(alice)

    assert check("--hash") == (0, "Every file has its row, and every row its file.\n")


def test_an_empty_storage_is_in_order(db, check):
    assert check()[0] == 0


@pytest.mark.parametrize("name", ["stray.pcm", "a/b/stray.pcm", "a/b/.tmp1234"])
def test_a_file_without_a_row_is_found_and_removed(transactional_db, alice, check, name):
    output = make_output(alice)
    put(name)

    status, said = check()
    assert (status, name in said, output.blob_id in said) == (1, True, False)
    assert default_storage.exists(name)

    status, said = check("--fix")
    assert (status, "removed" in said) == (1, True)
    assert not default_storage.exists(name)
    assert default_storage.exists(output.blob_id)
    assert check()[0] == 0


def test_a_file_that_keep_could_have_written_is_removed_under_a_lock(transactional_db, alice, check):
    blob = keep(io.BytesIO(b"kept"), owner_id=alice.pk, form="pcm")
    Blob.objects.all().delete()
    put(blob.pk)

    assert check("--fix")[0] == 1

    assert not default_storage.exists(blob.pk)
    assert check()[0] == 0


def test_a_file_that_may_be_being_written_is_left_alone(transactional_db, check):
    put("a/.tmp1234", age=60)

    assert check("--fix")[0] == 0

    assert default_storage.exists("a/.tmp1234")


def test_a_row_whose_file_is_gone_is_told_and_stays_while_an_output_names_it(transactional_db, alice, check):
    output = make_output(alice)
    default_storage.delete(output.blob_id)

    status, said = check("--fix")

    assert (status, output.blob_id in said, "a row without a file" in said) == (1, True, True)
    assert "0 of them removed" in said
    assert Output.objects.exists()


def test_a_row_without_file_and_output_is_removed(transactional_db, alice, check):
    blob = keep(io.BytesIO(b"kept"), owner_id=alice.pk, form="pcm")
    default_storage.delete(blob.pk)

    assert check()[0] == 1
    assert Blob.objects.exists()

    assert check("--fix")[0] == 1
    assert not Blob.objects.exists()
    assert check()[0] == 0


def test_a_file_of_another_size_is_told(db, alice, check):
    output = make_output(alice, b"whole")
    Path(default_storage.path(output.blob_id)).write_bytes(b"who")

    status, said = check()

    assert (status, "a file of 3 bytes where its row says 5" in said) == (1, True)


def test_a_file_with_other_bytes_is_told_when_they_are_read(db, alice, check):
    output = make_output(alice, b"whole")
    Path(default_storage.path(output.blob_id)).write_bytes(b"whale")

    assert check()[0] == 0
    assert check("--hash")[0] == 1


def test_more_than_a_batch_is_looked_at(transactional_db, alice, check, monkeypatch):
    monkeypatch.setattr("jobs.management.commands.storage_check.BATCH", 2)
    outputs = [make_output(alice, str(number).encode()) for number in range(5)]
    for output in outputs:
        default_storage.delete(output.blob_id)
        put(f"stray{output.pk}")

    _, said = check()

    assert said.endswith("10 differences, 0 of them removed.\n")


def test_a_name_that_no_terminal_takes_is_told_all_the_same(transactional_db, check):
    put("bad\udcff\nname")

    status, said = check("--fix")

    assert (status, len(said.splitlines())) == (1, 2)
    assert check()[0] == 0


def test_a_row_whose_file_is_being_written_is_no_difference(db, alice, check):
    row = {"name": "a", "owner": alice, "bytes": 5, "sha256": "x"}
    Blob.objects.begin(Blob(**row))
    assert check()[0] == 0

    Blob.objects.update(writing_until=Now() - timedelta(seconds=1))

    assert check("--fix")[0] == 1
    assert check()[0] == 0


def test_reconcile_is_content_where_nothing_differs(transactional_db, alice):
    keep(io.BytesIO(b"kept"), owner_id=alice.pk, form="pcm")

    assert reconciled()[0] == 0


@pytest.mark.parametrize("what", ["a row without a file", "the ledger does not tell of it"])
def test_reconcile_finds_what_either_check_finds(transactional_db, alice, what):
    if what == "a row without a file":
        default_storage.delete(keep(io.BytesIO(b"lost"), owner_id=alice.pk, form="pcm").pk)
    else:
        make_item(alice, state=State.COMPLETED)

    status, said = reconciled()

    assert status == 1
    assert what in said


def reconciled() -> tuple[int, str]:
    out = io.StringIO()
    try:
        call_command("reconcile", stdout=out)
    except SystemExit as end:
        return int(end.code or 0), out.getvalue()
    return 0, out.getvalue()
