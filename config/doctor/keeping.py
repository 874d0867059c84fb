"""Where outputs are kept."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from accounts.ids import new_id
from config.doctor.findings import Finding, check, failure, warning, well
from jobs.models import Worker

SLOW = 15.0
# seconds; a bucket that hangs is given up by its own time limits
CONTENT = b"written by the doctor"


@check("storage", needs=("settings",), limit=SLOW)
def storage() -> Iterator[Finding]:
    """Write, read and remove a file where outputs go."""
    where = f"the bucket {settings.ENV.s3_bucket}" if settings.ENV.s3_bucket else "the folder of outputs in DATA_DIR"
    name = f"doctor/{new_id('try')}"
    try:
        default_storage.save(name, ContentFile(CONTENT))
        try:
            with default_storage.open(name) as file:
                same = file.read() == CONTENT
        finally:
            default_storage.delete(name)
            if not settings.ENV.s3_bucket:
                with suppress(OSError):
                    Path(default_storage.path("doctor")).rmdir()
    except Exception as error:  # whatever the storage's own library raises
        advice = (
            "See the bucket, its keys and their rights (S3_BUCKET and its kin)." if settings.ENV.s3_bucket else "See whose DATA_DIR is."
        )
        told = error.strerror if isinstance(error, OSError) else type(error).__name__
        yield failure(f"Nothing can be kept in {where}: {told}.", advice)
        return
    if same:
        yield well(f"A file was written to, read from and removed from {where}.")
    else:
        yield failure(f"What was read from {where} is not what was written.", "See its disk, and what stands between.")


@check("sharing", needs=("settings", "database", "migrations"))
def sharing() -> Iterator[Finding]:
    """Workers elsewhere, and files here."""
    if settings.ENV.s3_bucket:
        return
    hosts = {worker.partition(":")[0] for worker in Worker.objects.alive().values_list("pk", flat=True)} - {socket.gethostname()}
    if hosts:
        advice = "See that DATA_DIR is one shared disk on all of them, or set S3_BUCKET; else what one makes another can't read."
        yield warning(f"Workers run on {', '.join(sorted(hosts))} too, and outputs are files in DATA_DIR.", advice)
