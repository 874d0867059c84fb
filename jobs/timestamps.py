"""When what is said in a result begins and ends: kept beside an output, or told once where nothing is kept."""

from __future__ import annotations

from contextlib import aclosing

from channels.db import database_sync_to_async

from jobs import storage
from jobs.errors import TimestampsNotFound
from jobs.models import Item, Output
from jobs.streams import streams

PATIENCE = 1.0
# seconds: they are told before the end of the item that they are of


def kept(output: Output) -> bytes:
    """The JSON that is kept beside an output. TimestampsNotFound where nobody asked for any."""
    if output.timestamps is None:
        raise TimestampsNotFound
    with storage.fetched(output.timestamps) as file:
        return file.read()


def stream_of(item: Item) -> str:
    """The key of the stream that has nothing but the timestamps of an item which is not kept."""
    return f"{item.pk}.timestamps"


async def of_ended(item: Item) -> bytes:
    """The JSON for an item that has just come to its end."""
    if item.store:
        found: bytes = await database_sync_to_async(_kept_of)(item.pk)
        return found
    async with aclosing(streams().read(stream_of(item), wait=PATIENCE)) as entries:
        entry = await anext(entries)
    if entry is None:
        raise TimestampsNotFound
    return entry.data


def _kept_of(item_id: str) -> bytes:
    return kept(Output.objects.select_related("timestamps").get(item_id=item_id))
