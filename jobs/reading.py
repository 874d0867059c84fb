"""A stored file's bytes, read without holding up the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import structlog
from django.core.files.storage import Storage, default_storage

from jobs.errors import Gone, StorageUnavailable

log = structlog.get_logger("storage")

AWAY_RETRY = 5.0
# seconds after which a client may try again


def exists(name: str) -> bool:
    """Whether the storage has a file of that name; StorageUnavailable when it can't be asked."""
    try:
        return default_storage.exists(name)
    except Exception as fault:  # whatever the storage's own library raises
        log.error("storage away", exc_info=fault)
        raise StorageUnavailable("Outputs can't be read now. Try again shortly.", retry_after=AWAY_RETRY) from fault


async def read_file(storage: Storage, name: str, start: int, stop: int) -> AsyncIterator[bytes]:
    """The bytes of a stored file from `start` up to `stop`."""
    try:
        file = await asyncio.to_thread(storage.open, name)
    except FileNotFoundError:
        raise Gone("The output's file is no longer there.") from None
    try:
        await asyncio.to_thread(file.seek, start)
        while start < stop:
            data = await asyncio.to_thread(file.read, min(file.DEFAULT_CHUNK_SIZE, stop - start))
            if not data:
                raise Gone("The output's file is shorter than it was.")
            start += len(data)
            yield data
    finally:
        await asyncio.to_thread(file.close)
