from __future__ import annotations

import asyncio
import hashlib
import io
import json
import os
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from channels.db import database_sync_to_async
from django.core.files.storage import default_storage

from config.errors import Refusal
from jobs.archive import SENT_AT_ONCE, archive
from jobs.models import Item, Job, State
from tests.factories import keep_output, make_item, make_job, make_running

pytestmark = pytest.mark.django_db(transaction=True)

WINDOWS = {"con", "prn", "aux", "nul", *(f"com{n}" for n in range(10)), *(f"lpt{n}" for n in range(10))}


def finished(owner: Any, *refs: str, **fields: Any) -> Job:
    """A job of one completed item for each ref; each item's bytes are its own."""
    job = make_job(owner, total=len(refs), **fields)
    for position, ref in enumerate(refs):
        item = make_running(owner, job=job, position=position, ref=ref)
        item.end(State.COMPLETED)
        keep_output(item, f"sound {position}".encode() * 100)
    job.refresh_from_db()
    return job


def fetched(client: Any, job: Job, query: str = "") -> zipfile.ZipFile:
    response = client.get(f"/v1/jobs/{job.pk}/archive{query}")
    assert response.status_code == 200, response.content

    async def collect() -> bytes:
        return b"".join([part async for part in response])

    return zipfile.ZipFile(io.BytesIO(asyncio.run(collect())))


def manifest_of(archive: zipfile.ZipFile) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads(archive.read("manifest.json"))
    return manifest


def test_it_holds_every_output_and_says_which_is_which(alice, client_of):
    job = finished(alice, "first", "second", "")

    got = fetched(client_of(alice), job)

    manifest = manifest_of(got)
    assert got.testzip() is None
    assert got.namelist() == ["00000-first.pcm", "00001-second.pcm", "00002.pcm", "manifest.json"]
    assert (manifest["job_id"], manifest["state"], manifest["counts"]["completed"]) == (job.pk, "completed", 3)
    assert [row["ref"] for row in manifest["items"]] == ["first", "second", ""]
    assert [row["item_id"] for row in manifest["items"]] == [item.pk for item in job.items.order_by("position")]
    for row in manifest["items"]:
        data = got.read(row["file"])
        assert (row["sha256"], row["bytes"]) == (hashlib.sha256(data).hexdigest(), len(data))
        assert (row["state"], row["seconds"], row["error"]) == ("completed", 1.0, None)


def test_it_is_sent_as_a_file_that_nobody_keeps(alice, client_of):
    job = finished(alice, "a")

    response = client_of(alice).get(f"/v1/jobs/{job.pk}/archive")

    assert response["Content-Type"] == "application/zip"
    assert response["Content-Disposition"] == f'attachment; filename="{job.pk}.zip"'
    assert (response["Cache-Control"], response["X-Accel-Buffering"]) == ("private, no-store", "no")


def test_hostile_refs_become_names_that_every_system_takes(alice, client_of):
    refs = [
        "../../etc/passwd",
        "CON",
        "x" * 200,
        "Same",
        "same",
        "SAME",
        "a\\b:c*",
        "C:\\x",
        "/",
        "..",
        "ünï/\u202egpj.exe",
        "a\r\nb",
        "nul.txt",
        " . ",
    ]
    job = finished(alice, *refs)

    got = fetched(client_of(alice), job)

    names = got.namelist()
    assert got.testzip() is None
    assert len({name.casefold() for name in names}) == len(refs) + 1
    for name in names:
        assert name.isascii()
        assert not set(name) & set('/\\:*?"<>|\r\n \0')
        assert ".." not in name
        assert len(name) < 80
        assert name.split(".")[0].casefold() not in WINDOWS
        assert not name.endswith((".", " "))
    assert [row["ref"] for row in manifest_of(got)["items"]] == refs


def test_it_can_be_unpacked_into_a_folder_and_nowhere_else(alice, client_of, tmp_path):
    job = finished(alice, "../../x", "/etc/y")

    fetched(client_of(alice), job).extractall(tmp_path / "in")

    assert sorted(os.listdir(tmp_path / "in")) == ["00000-x.pcm", "00001-etc_y.pcm", "manifest.json"]
    assert os.listdir(tmp_path) == ["in"]


def test_what_was_not_made_is_in_the_manifest_with_its_reason(alice, client_of):
    job = make_job(alice, total=2)
    make_running(alice, job=job, position=0, ref="bad").end(State.FAILED, Refusal("The text can't be spoken.", code="unspeakable"))
    make_running(alice, job=job, position=1).end(State.COMPLETED)
    Item.objects.filter(job=job, position=1).update(store=False)

    got = fetched(client_of(alice), job)

    failed, unstored = manifest_of(got)["items"]
    assert got.namelist() == ["manifest.json"]
    assert (failed["state"], failed["file"], failed["sha256"]) == ("failed", None, None)
    assert failed["error"] == {"code": "unspeakable", "message": "The text can't be spoken."}
    assert (unstored["state"], unstored["file"], unstored["error"]) == ("completed", None, None)


def test_a_file_that_is_gone_does_not_break_the_rest(alice, client_of):
    job = finished(alice, "lost", "cut", "forgotten", "there")
    lost, cut, forgotten, there = job.items.select_related("output").order_by("position")
    default_storage.delete(lost.output.blob_id)
    os.truncate(default_storage.path(cut.output.blob_id), 10)
    forgotten.output.delete()

    got = fetched(client_of(alice), job)

    rows = manifest_of(got)["items"]
    assert got.testzip() is None
    assert got.namelist() == ["00003-there.pcm", "manifest.json"]
    assert [row["error"] and row["error"]["code"] for row in rows] == ["gone", "gone", "gone", None]
    assert got.read(rows[3]["file"]) == b"sound 3" * 100
    assert rows[3]["item_id"] == there.pk


def test_a_job_that_is_not_over_has_none_yet(alice, client_of):
    job = finished(alice, "done")
    make_item(alice, job=job, position=1)
    Job.objects.filter(pk=job.pk).update(state=State.RUNNING, total=2)

    refused = client_of(alice).get(f"/v1/jobs/{job.pk}/archive")
    got = fetched(client_of(alice), job, "?partial=true")

    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "not_ready")
    assert got.namelist() == ["00000-done.pcm", "manifest.json"]
    assert [row["state"] for row in manifest_of(got)["items"]] == ["completed", "queued"]
    assert manifest_of(got)["state"] == "running"


def test_partial_is_true_or_false(alice, client_of):
    job = make_job(alice)

    response = client_of(alice).get(f"/v1/jobs/{job.pk}/archive?partial=perhaps")

    assert (response.status_code, response.json()["error"]["param"]) == (400, "partial")


def test_it_hides_the_jobs_of_other_owners(alice, bob, client_of):
    job = finished(alice, "mine")

    foreign = client_of(bob).get(f"/v1/jobs/{job.pk}/archive")
    absent = client_of(bob).get("/v1/jobs/job_00000000000000000000000000/archive")

    assert foreign.status_code == absent.status_code == 404
    assert foreign.json() == absent.json()


def test_many_items_are_read_a_few_at_a_time(alice, client_of, monkeypatch):
    monkeypatch.setattr("jobs.archive.ROWS_AT_ONCE", 3)
    job = finished(alice, *(f"ref {number}" for number in range(8)))

    got = fetched(client_of(alice), job)

    assert len(got.namelist()) == 9
    assert [row["position"] for row in manifest_of(got)["items"]] == list(range(8))


def open_files() -> int:
    """Files of the storage that this process has open."""
    root = default_storage.path("")
    count = 0
    for link in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):
            count += str(link.readlink()).startswith(root)
    return count


async def test_a_client_that_leaves_leaves_no_file_open(alice):
    job = await database_sync_to_async(make_job)(alice)
    item = await database_sync_to_async(make_running)(alice, job=job)
    await database_sync_to_async(item.end)(State.COMPLETED)
    await database_sync_to_async(keep_output)(item, b"x" * (4 * SENT_AT_ONCE))

    pieces = archive(job)
    first = await anext(pieces)
    opened = open_files()
    await pieces.aclose()

    assert SENT_AT_ONCE <= len(first) < 2 * SENT_AT_ONCE
    assert (opened, open_files()) == (1, 0)


async def test_one_that_leaves_while_a_piece_is_made_leaves_none_either(alice):
    job = await database_sync_to_async(make_job)(alice)
    item = await database_sync_to_async(make_running)(alice, job=job)
    await database_sync_to_async(item.end)(State.COMPLETED)
    await database_sync_to_async(keep_output)(item, b"x" * (4 * SENT_AT_ONCE))

    async def read() -> None:
        async for _ in archive(job):
            pass

    for delay in (0, 0.001, 0.003, 0.01):
        reading = asyncio.create_task(read())
        await asyncio.sleep(delay)
        reading.cancel()
        await asyncio.wait([reading])

    assert open_files() == 0
