"""A job's outputs as one zip, made while it is sent: nothing of it is kept, whatever its size."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Generator, Iterator
from tempfile import SpooledTemporaryFile
from typing import Any

from channels.db import database_sync_to_async
from django.core.files import File
from django.core.files.storage import default_storage
from zipstream import ZipStream

from jobs.errors import Gone
from jobs.models import Item, Job, State

ROWS_AT_ONCE = 500
SENT_AT_ONCE = 1 << 18
# bytes that are gathered before they are sent: a piece is a turn of a thread
LONGEST_REF = 60
# characters of a ref that a file's name has
UNSAFE = re.compile(r"[^A-Za-z0-9._-]+|\.{2,}", re.ASCII)
MANIFEST = "manifest.json"
COLUMNS = (
    "id", "position", "ref", "state", "format", "store", "error_code", "error_message",
    "output__blob_id", "output__bytes", "output__sha256", "output__seconds",
)  # fmt: skip


async def archive(job: Job) -> AsyncGenerator[bytes, None]:
    """The zip's bytes, made only as fast as they are taken. Between two pieces it holds neither a thread nor a database connection."""
    pieces = _pieces(job)
    turn: asyncio.Future[bytes] | None = None
    try:
        while True:
            turn = asyncio.ensure_future(database_sync_to_async(_gather, thread_sensitive=False)(pieces))
            data = await asyncio.shield(turn)
            if not data:
                return
            yield data
    finally:
        await asyncio.shield(_end(pieces, turn))


async def _end(pieces: Generator[bytes, None, None], turn: asyncio.Future[bytes] | None) -> None:
    """Close what is open. A thread can't be stopped: what one has begun is waited for."""
    if turn is not None:
        await asyncio.wait([turn])
    await asyncio.to_thread(pieces.close)


def _gather(pieces: Generator[bytes, None, None]) -> bytes:
    gathered = bytearray()
    for piece in pieces:
        gathered += piece
        if len(gathered) >= SENT_AT_ONCE:
            break
    return bytes(gathered)


def _pieces(job: Job) -> Generator[bytes, None, None]:
    zipped = ZipStream()  # stored as it is: audio does not compress
    with SpooledTemporaryFile(max_size=File.DEFAULT_CHUNK_SIZE) as manifest:
        head = {"job_id": job.pk, "state": job.state, "counts": job.summary()["counts"]}
        manifest.write(json.dumps(head).removesuffix("}").encode() + b', "items": [')
        separator = b"\n"
        for row in _rows(job.pk):
            entry = _entry(row)
            if row["output__blob_id"] is not None:
                try:
                    with _opened(row) as file:
                        entry["file"] = _name(row)
                        zipped.add(file.chunks(), entry["file"], size=row["output__bytes"])
                        yield from zipped.all_files()
                except Gone as refusal:
                    entry["error"] = {"code": refusal.code, "message": refusal.message}
            manifest.write(separator + json.dumps(entry).encode())
            separator = b",\n"
        manifest.write(b"\n]}\n")
        zipped.add(File(manifest).chunks(), MANIFEST, size=manifest.tell())
        yield from zipped.finalize()


def _rows(job_id: str) -> Iterator[dict[str, Any]]:
    """The job's items in their order, a few at a time."""
    items = Item.objects.filter(job_id=job_id).order_by("position").values(*COLUMNS)
    batch = list(items[:ROWS_AT_ONCE])
    while batch:
        yield from batch
        batch = list(items.filter(position__gt=batch[-1]["position"])[:ROWS_AT_ONCE])


def _entry(row: dict[str, Any]) -> dict[str, Any]:
    """What the manifest says of an item, as long as none of its bytes are in the zip."""
    error = None
    if row["state"] in (State.FAILED, State.CANCELLED):
        error = {"code": row["error_code"], "message": row["error_message"]}
    elif row["state"] == State.COMPLETED and row["store"] and row["output__blob_id"] is None:
        error = {"code": Gone.code, "message": "The output was deleted."}
    return {
        "position": row["position"],
        "item_id": row["id"],
        "ref": row["ref"],
        "state": row["state"],
        "file": None,
        "sha256": row["output__sha256"],
        "bytes": row["output__bytes"],
        "seconds": row["output__seconds"],
        "error": error,
    }


def _name(row: dict[str, Any]) -> str:
    """A file's name that every system takes. It begins with the position: no two are alike, and none is a name that Windows reserves."""
    ref = UNSAFE.sub("_", row["ref"])[:LONGEST_REF].strip("._-")
    return f"{row['position']:05d}{'-' if ref else ''}{ref}.{row['format']}"


def _opened(row: dict[str, Any]) -> File[bytes]:
    try:
        file = default_storage.open(row["output__blob_id"])
    except FileNotFoundError:
        raise Gone("The output's file is no longer there.") from None
    # a short one would be found out too late: its head is sent before its end is read
    if file.size != row["output__bytes"]:
        file.close()
        raise Gone("The output's file is not what it was.")
    return file
