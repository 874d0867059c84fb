"""A stored file's bytes, read without holding up the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from django.core.files.storage import Storage

from jobs.errors import Gone

PIECE = 1 << 16
# bytes read at a time


async def read_file(storage: Storage, name: str, start: int, stop: int) -> AsyncIterator[bytes]:
    """The bytes of a stored file from `start` up to `stop`."""
    try:
        file = await asyncio.to_thread(storage.open, name)
    except FileNotFoundError:
        raise Gone("The output's file is no longer there.") from None
    try:
        await asyncio.to_thread(file.seek, start)
        while start < stop:
            data = await asyncio.to_thread(file.read, min(PIECE, stop - start))
            if not data:
                raise Gone("The output's file is shorter than it was.")
            start += len(data)
            yield data
    finally:
        await asyncio.to_thread(file.close)
