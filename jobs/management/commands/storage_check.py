"""What is in the storage held against the rows, both ways. Safe beside a system that works: nothing is removed but under its row's lock."""

from __future__ import annotations

import hashlib
import posixpath
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain, islice
from typing import Any

from django.core.files.storage import default_storage
from django.core.management.base import BaseCommand
from django.db import transaction
from django.utils import timezone

from jobs import storage
from jobs.models import Blob

BATCH = 500
# names that are looked up together
BEING_WRITTEN = timedelta(hours=1)
# a younger file may be one whose row is yet to come


@dataclass(frozen=True, slots=True)
class Difference:
    name: str
    what: str
    mend: Callable[[str], bool]
    # removes it; False when it must stay


class Command(BaseCommand):
    help = "Find stored files without a row, and rows without their file. Exit 1 when there are any."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--hash", action="store_true", help="read every file and compare its SHA-256 too")
        parser.add_argument("--fix", action="store_true", help="remove files without a row, and rows that nothing names")

    def handle(self, *_args: Any, hash: bool, fix: bool, **_options: Any) -> None:  # noqa: A002  -- the option's name
        found = mended = 0
        for difference in chain(stray_files(), lost_rows(hashed=hash)):
            gone = fix and difference.mend(difference.name)
            found += 1
            mended += gone
            self.stdout.write(f"{_shown(difference.name)}: {difference.what}{'; removed' if gone else ''}")
        self.stdout.write(f"{found} differences, {mended} of them removed." if found else "Every file has its row, and every row its file.")
        if found:
            sys.exit(1)


def stray_files() -> Iterator[Difference]:
    names = _walk("")
    while batch := list(islice(names, BATCH)):
        known = set(Blob.objects.filter(pk__in=[name for name in batch if name.isprintable()]).values_list("pk", flat=True))
        for name in batch:
            if name not in known and _is_old(name):
                cut_off = posixpath.basename(name).startswith(".")
                yield Difference(name, "left over from a write that was cut off" if cut_off else "a file without a row", storage.discard)


def lost_rows(*, hashed: bool) -> Iterator[Difference]:
    last = ""
    while blobs := list(Blob.objects.at_rest().with_names().filter(pk__gt=last).order_by("pk")[:BATCH]):
        for blob in blobs:
            if _wrong(blob, hashed=hashed) and (what := _confirmed(blob, hashed=hashed)):
                yield Difference(blob.pk, f"{what}; rows that name it: {blob.named_by}", storage.remove)
        last = blobs[-1].pk


def _confirmed(blob: Blob, *, hashed: bool) -> str | None:
    """What is wrong with a blob that nobody else is writing or removing; None when nothing is."""
    with transaction.atomic():
        row = Blob.objects.at_rest().select_for_update().filter(pk=blob.pk).first()
        return _wrong(row, hashed=hashed) if row else None


def _wrong(blob: Blob, *, hashed: bool) -> str | None:
    try:
        size = default_storage.size(blob.pk)
        if size != blob.bytes:
            return f"a file of {size} bytes where its row says {blob.bytes}"
        if hashed and _sha256(blob.pk) != blob.sha256:
            return "a file whose bytes are not the ones that were kept"
    except FileNotFoundError:
        return "a row without a file"
    return None


def _sha256(name: str) -> str:
    digest = hashlib.sha256()
    with default_storage.open(name) as file:
        for chunk in file.chunks():
            digest.update(chunk)
    return digest.hexdigest()


def _walk(folder: str) -> Iterator[str]:
    """The names of all the files in the storage."""
    try:
        folders, files = default_storage.listdir(folder)
    except FileNotFoundError:
        # nothing was ever kept, or somebody removed it meanwhile
        return
    for file in files:
        yield posixpath.join(folder, file)
    for each in folders:
        yield from _walk(posixpath.join(folder, each))


def _is_old(name: str) -> bool:
    try:
        return default_storage.get_modified_time(name) < timezone.now() - BEING_WRITTEN
    except Exception:  # whatever the storage's own library raises
        if default_storage.exists(name):
            raise
        return False


def _shown(name: str) -> str:
    return name if name.isprintable() else ascii(name)
