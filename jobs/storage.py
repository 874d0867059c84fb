"""Where bytes are that are kept, named after what they are: the same bytes of one owner are kept once."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import IO, Any

import structlog
from django.conf import settings
from django.core.files import File
from django.core.files.storage import FileSystemStorage, default_storage
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from jobs.errors import InvalidState, StorageUnavailable
from jobs.models import Blob, Item, Output

log = structlog.get_logger("storage")

NAME = re.compile(r"(?P<owner>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/[0-9a-f]{2}/(?P<sha256>[0-9a-f]{64})\.[a-z0-9]{1,16}")
# what `keep` calls a file


class Fleeting(File):  # type: ignore[type-arg]
    """What is worked on at once and kept no longer than that: a machine that loses power may lose it."""


class Folder(FileSystemStorage):
    """A folder where a file is written beside its place, forced to the disk, and moved: whoever opens it finds all of it."""

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        """The name itself: what has the same one is the same."""
        return name

    def _save(self, name: str, content: File[bytes]) -> str:
        path = Path(self.path(name))
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as part:
            try:
                for chunk in content.chunks():
                    part.write(chunk)
                part.flush()
                if not isinstance(content, Fleeting):
                    os.fsync(part.fileno())
                if self.file_permissions_mode is not None:
                    os.fchmod(part.fileno(), self.file_permissions_mode)
                Path(part.name).replace(path)
            except BaseException:
                Path(part.name).unlink(missing_ok=True)
                raise
        return name


def keep(file: IO[bytes], *, owner_id: Any, form: str, lasting: bool = True) -> Blob:
    """Store the bytes of an open file under their owner and their SHA-256. StorageUnavailable when that can't be done now."""
    file.seek(0)
    sha256 = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]  # any binary file will do
    size = file.seek(0, os.SEEK_END)
    name = f"{owner_id}/{sha256[:2]}/{sha256}.{form}"
    blob = Blob.objects.begin(Blob(name=name, owner_id=owner_id, bytes=size, sha256=sha256))
    try:
        if not default_storage.exists(name) or default_storage.size(name) != size:
            file.seek(0)
            default_storage.save(name, File(file) if lasting else Fleeting(file))
    except BaseException as fault:  # whatever the storage's own library raises, and the wish to stop
        blob.given_up()
        if not isinstance(fault, Exception):
            raise
        log.error("not stored", exc_info=fault)
        raise StorageUnavailable from fault
    if not blob.written():
        raise StorageUnavailable("Storing the output took too long.")
    return blob


def hold(blob: Blob) -> None:
    """Keep a blob that is about to be named from being removed, to the end of the transaction. StorageUnavailable when it was before."""
    # no key: whoever else is about to name it need not wait
    if not Blob.objects.select_for_update(no_key=True).filter(pk=blob.pk).exists():
        raise StorageUnavailable("What was stored was removed meanwhile. Send it again.")


@contextmanager
def fetched(blob: Blob) -> Iterator[IO[bytes]]:
    """A copy of the bytes on this machine's disk, held against their SHA-256. StorageUnavailable when they can't be had now."""
    digest = hashlib.sha256()
    Path(settings.PARTS_DIR).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=settings.PARTS_DIR) as copy:
        try:
            with default_storage.open(blob.pk) as file:
                for chunk in file.chunks():
                    digest.update(chunk)
                    copy.write(chunk)
        except Exception as fault:  # whatever the storage's own library raises
            log.error("not read", exc_info=fault)
            raise StorageUnavailable("What was stored can't be read now.") from fault
        if digest.hexdigest() != blob.sha256:
            log.error("not what was kept", name=blob.pk)
            raise StorageUnavailable("What was stored can't be read now.")
        copy.seek(0)
        yield copy


def forget(output: Output) -> None:
    """Remove an output's row, and once that is certain its bytes. InvalidState when it is under legal hold."""
    with transaction.atomic():
        row = Output.objects.select_for_update().filter(pk=output.pk).first()
        if row is None:
            return
        if row.legal_hold:
            raise InvalidState(f"Output {output.pk} is under legal hold; nobody may delete it until that is released.")
        row.delete()
        # robust: the row is gone whatever comes now, and the purge finds what is left
        for name in row.blobs:
            transaction.on_commit(partial(remove, name), robust=True)


def remove(name: str, *, untouched: timedelta = timedelta(0)) -> bool:
    """Remove a blob that nothing names, file first, then row; False when something does, or when it can't be removed now.

    Nor is one removed that somebody is writing, or that was kept within the time `untouched`: what is to name it may come.
    """
    with transaction.atomic():
        rows = Blob.objects.at_rest().filter(Q(kept_at=None) | Q(kept_at__lt=Now() - untouched))
        blob = rows.select_for_update().filter(pk=name).first()
        # asked once the row is locked: nobody can begin to name it now
        if blob is None or not Blob.objects.unnamed().filter(pk=name).exists() or not _deleted(name):
            return False
        blob.delete()
    return True


def let_go(item: Item) -> bool:
    """Remove what an item worked on, once it is done with that, unless something else names it; whether it was this call that did."""
    if item.source_id is None or not Item.objects.done_with_source().filter(pk=item.pk, source=item.source_id).update(source=None):
        return False
    remove(item.source_id)
    return True


def discard(name: str) -> bool:
    """Remove a file that has no row; False when it has one, or when it can't be removed now.

    For as long as that takes it is given a row, at which whoever is to keep the same bytes waits.
    """
    match = NAME.fullmatch(name)
    if match is None:
        # nobody keeps anything under such a name any more; the database takes none that holds what is no text
        known = name.isprintable() and Blob.objects.filter(pk=name).exists()
        return not known and _deleted(name)
    with transaction.atomic():
        blob, new = Blob.objects.get_or_create(pk=name, defaults={"owner_id": match["owner"], "bytes": 0, "sha256": match["sha256"]})
        if not new:
            return False
        gone = _deleted(name)
        blob.delete()
    return gone


def _deleted(name: str) -> bool:
    try:
        default_storage.delete(name)
    except Exception as fault:  # whatever the storage's own library raises
        log.warning("not removed", name=name, reason=repr(fault))
        return False
    return True
