"""What happens to a job, told in order and from any place on. The log is derived from the rows: there is no table of events.

Every end of an item has a number within its job, without gaps, given while the job's row is locked: whoever sees one number sees all
before it. Items that are cancelled together share one, which no item has. The end of the job has the number after the last.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

import structlog
from channels.db import database_sync_to_async
from django.db import InterfaceError, OperationalError

from jobs.models import OPEN, Item, Job, State

log = structlog.get_logger("events")

ROWS_AT_ONCE = 500
SHORTEST_WAIT = 0.1
LONGEST_WAIT = 1.0
# seconds between two looks; it doubles while nothing changes
PROGRESS_EVERY = 1.0
# seconds between two events of progress
HIGHEST = 2**31 - 1
# sequence number that a row can have
COLUMNS = ("id", "position", "ref", "state", "store", "output_id", "error_code", "error_message", "sequence", "output__seconds")


@dataclass(frozen=True, slots=True)
class Event:
    type: str
    data: dict[str, Any]
    sequence: int | None = None
    # its id; none: it tells how things are, and is not told again


async def events(job_id: str, after: int) -> AsyncGenerator[Event | None, None]:
    """The job's events that follow on number `after`, to the end of the job. None after a look that found nothing new: at least once
    a second whoever passes them on can see to other things.
    """
    place = after
    delay = SHORTEST_WAIT
    counts: dict[str, int] | None = None
    progress_due = 0.0
    while True:
        try:
            found = await database_sync_to_async(_look, thread_sensitive=False)(job_id, place)
        except (OperationalError, InterfaceError) as fault:
            log.warning("database away", job_id=job_id, reason=repr(fault))
            yield None
            await asyncio.sleep(LONGEST_WAIT)
            continue
        if found is None:
            return
        job, ends = found
        for event in ends:
            place = event.sequence or place
            yield event
        if len(ends) == ROWS_AT_ONCE:
            continue
        if job.state not in OPEN:
            if place <= job.sequence:
                yield Event(f"job.{job.state}", job.summary(), job.sequence + 1)
            return
        place = max(place, job.sequence)
        summary = job.summary()
        now = time.monotonic()
        progressed = summary["counts"] != counts and now >= progress_due
        if progressed:
            counts, progress_due = summary["counts"], now + PROGRESS_EVERY
            yield Event("job.progress", {"id": job.pk, "state": job.state, "counts": counts})
        if ends or progressed:
            delay = SHORTEST_WAIT
        else:
            yield None
        await asyncio.sleep(delay)
        delay = min(2 * delay, LONGEST_WAIT)


def _look(job_id: str, place: int) -> tuple[Job, list[Event]] | None:
    """The job, and the next ends of its items; None when there is no such job any more."""
    job = Job.objects.filter(pk=job_id).first()
    if job is None:
        return None
    if job.sequence <= place:
        return job, []
    # not beyond the number that the job had: what came later belongs to a later look
    numbered = Item.objects.filter(job_id=job_id, sequence__gt=place, sequence__lte=job.sequence)
    return job, [_end(row) for row in numbered.order_by("sequence").values(*COLUMNS)[:ROWS_AT_ONCE]]


def _end(row: dict[str, Any]) -> Event:
    made = row["state"] == State.COMPLETED
    data = {
        "item_id": row["id"],
        "ref": row["ref"],
        "position": row["position"],
        "output_id": row["output_id"] if made and row["store"] else None,
        "seconds": row["output__seconds"],
        "error": None if made else {"code": row["error_code"], "message": row["error_message"]},
    }
    return Event(f"item.{row['state']}", data, row["sequence"])
