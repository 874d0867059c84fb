"""Reading an item's bytes as they are made, whoever makes them and however often it is begun anew."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from channels.db import database_sync_to_async
from django.core.files.storage import default_storage

from config.errors import Overloaded, Unavailable
from jobs.dealing import queue_of
from jobs.errors import Gone
from jobs.models import OPEN, Item, State, Worker
from jobs.reading import read_file
from jobs.streams import streams
from jobs.streams.base import Entry, Kind

PATIENCE = 1.0
# seconds of silence after which the row is asked: what Redis has lost, the database knows
NOBODY_LEFT = 10
# such silences without a living worker, after which nobody is waited for


TWIN_DELAY = 0.02
# seconds between the end of an item and that of those that share its result


class Spliced(Unavailable):
    """The attempt that took over makes other bytes than those already sent. They are never joined."""

    code = "stream_broken"
    message = "The audio was begun anew and differs from what was sent. Ask again."


async def follow(item: Item, *, after: int = 0) -> AsyncGenerator[bytes, None]:
    """The item's bytes from `after` on, to their end. What it shares with another that is being made is read from that one's stream.

    Ends when the whole result was delivered. Raises the item's refusal when it failed or was cancelled, Spliced when a second
    attempt does not repeat what was delivered of the first, and Gone when nothing of it is kept.
    """
    place = _Place(after)
    unattended = 0
    item_over = item.state == State.COMPLETED and item.store
    while not item_over:
        source = item.twin_id or item.pk
        async with aclosing(streams().read(source, wait=PATIENCE)) as entries:
            async for entry in entries:
                if entry is not None and entry.kind in (Kind.START, Kind.DATA):
                    if data := place.take(entry):
                        yield data
                    continue
                whole = entry is not None and entry.kind is Kind.END and place.complete(entry)
                if whole and source == item.pk:
                    return
                item, attended = await _row(item.pk)
                while whole and item.state in OPEN:
                    await asyncio.sleep(TWIN_DELAY)
                    item, attended = await _row(item.pk)
                if item.state in (State.FAILED, State.CANCELLED):
                    raise item.error
                # without an output the end may still be on its way: it is told after the row is written
                item_over = item.state == State.COMPLETED and (hasattr(item, "output") or entry is None)
                if item_over or (item.twin_id or item.pk) != source:
                    break
                unattended = 0 if attended else unattended + 1
                if unattended > NOBODY_LEFT:
                    raise Overloaded("No worker is left to make this. Try again shortly.", retry_after=NOBODY_LEFT)
        place.turn_to(0)
    item, _ = await _row(item.pk)
    async for data in _stored_rest(item, place):
        yield data


async def _stored_rest(item: Item, place: _Place) -> AsyncIterator[bytes]:
    """What the stream has lost, from the stored output."""
    output = getattr(item, "output", None)
    if output is None:
        raise Gone
    begun = place.told
    if not place.can_go_on(output.attempt):
        prefix = hashlib.sha256()
        async for data in read_file(default_storage, output.blob_id, 0, begun):
            prefix.update(data)
        if prefix.digest() != place.mark():
            raise Spliced
    async for data in read_file(default_storage, output.blob_id, begun, output.bytes):
        yield data


def _look(item_id: str) -> tuple[Item, bool]:
    item = Item.objects.select_related("output").get(pk=item_id)
    return item, item.state not in OPEN or Worker.objects.serve(queue_of(item.actor))


async def _row(item_id: str) -> tuple[Item, bool]:
    """The item, and whether any worker lives that could make it, if it is still to be made."""
    found: tuple[Item, bool] = await database_sync_to_async(_look)(item_id)
    return found


class _Place:
    """How far a reader is, in bytes: `seen` of the present attempt, `told` to the client."""

    def __init__(self, after: int) -> None:
        self.told = after
        self._seen = 0
        self._attempt = 0
        self._hash = hashlib.sha256()
        self._mark: bytes | None = None
        self._gap = False

    def take(self, entry: Entry) -> bytes:
        """The part of an entry that the client has not had. Spliced when what comes before it is not what the client had."""
        if entry.attempt > self._attempt:
            self.turn_to(entry.attempt)
        if entry.attempt < self._attempt or self._gap or entry.kind is Kind.START:
            return b""
        if entry.offset != self._seen:
            self._gap = entry.offset > self._seen
            return b""
        self._seen += len(entry.data)
        known = max(0, len(entry.data) - max(0, self._seen - self.told))
        self._hash.update(entry.data[:known])
        fresh = entry.data[known:]
        if self._seen >= self.told and self._mark is not None:
            if self._hash.digest() != self._mark:
                raise Spliced
            self._mark = None
        self._hash.update(fresh)
        self.told += len(fresh)
        return fresh

    def complete(self, end: Entry) -> bool:
        return end.attempt == self._attempt and not self._gap and self._seen == end.offset and self.told == self._seen

    def can_go_on(self, attempt: int) -> bool:
        """Whether an output's bytes from `told` on follow on those told, or nobody can know, without a look at the ones before."""
        unknown = self._mark is None and self._seen != self.told
        return self.told == 0 or unknown or (attempt == self._attempt and self._mark is None)

    def mark(self) -> bytes:
        """SHA-256 of the bytes told."""
        return self._mark if self._mark is not None else self._hash.digest()

    def turn_to(self, attempt: int) -> None:
        """Begin to read another attempt; 0 when its number is not known yet."""
        if self._mark is None and self.told and self._seen == self.told:
            self._mark = self._hash.digest()
        self._attempt, self._seen, self._hash, self._gap = attempt, 0, hashlib.sha256(), False
