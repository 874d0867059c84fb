"""Where the bytes of outputs are, named after what they are: the same bytes of one owner are kept once."""

from __future__ import annotations

import hashlib
import os
import tempfile
from functools import partial
from pathlib import Path
from typing import IO, Any

import structlog
from django.core.files import File
from django.core.files.storage import FileSystemStorage, default_storage
from django.db import transaction
from django.db.models.functions import Now

from jobs.errors import InvalidState, StorageUnavailable
from jobs.models import Blob, Output

log = structlog.get_logger("storage")


class Folder(FileSystemStorage):
    """A folder where a file is written beside its place, forced to the disk and moved: whoever opens it finds all of it."""

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
                os.fsync(part.fileno())
                if self.file_permissions_mode is not None:
                    os.fchmod(part.fileno(), self.file_permissions_mode)
                Path(part.name).replace(path)
            except BaseException:
                Path(part.name).unlink(missing_ok=True)
                raise
        return name


def keep(file: IO[bytes], *, owner_id: Any, form: str) -> Blob:
    """Store the bytes of an open file under their owner and their SHA-256. StorageUnavailable when that can't be done now."""
    file.seek(0)
    sha256 = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]  # any binary file will do
    size = file.seek(0, os.SEEK_END)
    name = f"{owner_id}/{sha256[:2]}/{sha256}.{form}"
    with transaction.atomic():
        Blob.objects.bulk_create([Blob(name=name, owner_id=owner_id, bytes=size, sha256=sha256)], ignore_conflicts=True)
        blob = Blob.objects.select_for_update().get(pk=name)
        try:
            if not default_storage.exists(name) or default_storage.size(name) != size:
                file.seek(0)
                default_storage.save(name, File(file))
        except Exception as fault:  # whatever the storage's own library raises
            log.error("not stored", exc_info=fault)
            raise StorageUnavailable from fault
        Blob.objects.filter(pk=name).update(kept_at=Now())
    return blob


def forget(output: Output) -> None:
    """Remove an output's row, and once that is certain its bytes. InvalidState when it is under legal hold."""
    if output.legal_hold:
        raise InvalidState("This output is under legal hold.")
    with transaction.atomic():
        output.delete()
        transaction.on_commit(partial(remove, output.blob_id))


def remove(name: str) -> bool:
    """Remove a blob that no output is, file first, then row; False when one is, or when it can't be removed now."""
    with transaction.atomic():
        blob = Blob.objects.select_for_update().filter(pk=name).first()
        if blob is None or blob.outputs.exists():
            return False
        try:
            default_storage.delete(name)
        except Exception as fault:  # whatever the storage's own library raises
            log.warning("not removed", name=name, exc_info=fault)
            return False
        blob.delete()
    return True
