"""`WS /v1/events`: the events of any number of jobs over one WebSocket, for apps that have one open."""

from __future__ import annotations

import asyncio
import json
import re
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, NoReturn

import structlog
from channels.db import database_sync_to_async
from django.db import InterfaceError, OperationalError

from accounts.models import Scope
from config.errors import NotFound, Refusal
from jobs import closing
from jobs.closing import Closed
from jobs.doors import Door, Visit
from jobs.errors import InvalidState
from jobs.events import HIGHEST, events
from jobs.handshake import EVENTS
from jobs.models import Job
from jobs.open_socket import Limits, OpenSocket

log = structlog.get_logger("socket")

SUBSCRIBE = "job.subscribe"
UNSUBSCRIBE = "job.unsubscribe"
FIELDS = {SUBSCRIBE: {"type", "job_id", "after"}, UNSUBSCRIBE: {"type", "job_id"}}
JOB_ID = re.compile(r"job_[0-9a-z]{26}", re.ASCII)
LIMITS = Limits(largest=65_536, messages=(100, 100), bytes=(1_000_000, 1_000_000))
MOST_SUBSCRIPTIONS = 20
WAITING = 100
# messages made and not sent: then whoever makes them waits
SHOWN = 40
# characters of a field's name that a refusal repeats


class TooManySubscriptions(InvalidState):
    code = "too_many_subscriptions"
    message = f"A socket follows {MOST_SUBSCRIPTIONS} jobs at most. Unsubscribe from one, or open another socket."


class EventSocket(OpenSocket):
    """An open socket with one more task for each job that is followed."""

    def __init__(self, visit: Visit) -> None:
        super().__init__(visit, Scope.JOBS, LIMITS)
        self._following: dict[str, asyncio.Task[None]] = {}
        self._outgoing: asyncio.Queue[dict[str, Any]] = asyncio.Queue(WAITING)

    async def _read(self) -> NoReturn:
        while True:
            text = await self._text()
            try:
                await self._obey(_understood(text))
            except Refusal as refusal:
                await self._tell(_error(refusal))
            except (OperationalError, InterfaceError) as fault:
                log.warning("database away", reason=repr(fault))
                raise Closed(closing.TRY_AGAIN_LATER, "try_again_later") from None

    async def _obey(self, command: Command) -> None:
        if command.type == SUBSCRIBE:
            await self._subscribe(command.job_id, command.after)
        else:
            await self._unsubscribe(command.job_id)

    async def _subscribe(self, job_id: str, after: int) -> None:
        if job_id in self._following:
            raise InvalidState("This socket follows the job already.", param="job_id")
        if len(self._following) >= MOST_SUBSCRIPTIONS:
            raise TooManySubscriptions
        mine = Job.objects.of(self._visit.identity.user).listed().filter(pk=job_id)
        if not await database_sync_to_async(mine.exists, thread_sensitive=False)():
            raise NotFound("There is no such job.", param="job_id")
        await self._tell({"type": "job.subscribed", "job_id": job_id})
        self._following[job_id] = self._tasks.create_task(self._follow(job_id, after))

    async def _unsubscribe(self, job_id: str) -> None:
        task = self._following.pop(job_id, None)
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
        await self._tell({"type": "job.unsubscribed", "job_id": job_id})

    async def _follow(self, job_id: str, after: int) -> None:
        async with aclosing(events(job_id, after)) as found:
            async for event in found:
                if event is None:
                    continue
                place = {} if event.sequence is None else {"sequence": event.sequence}
                await self._tell({"type": event.type, "job_id": job_id, **place, "data": event.data})
        self._following.pop(job_id, None)

    async def _tell(self, message: dict[str, Any]) -> None:
        await self._outgoing.put(message)

    async def _write(self) -> NoReturn:
        while True:
            await self._sent(json.dumps(await self._outgoing.get(), separators=(",", ":")))


@dataclass(frozen=True, slots=True)
class Command:
    """What a client's message asks for."""

    type: str
    job_id: str
    after: int = 0
    # the last number that the client has


def _understood(text: str) -> Command:
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        raise Refusal("A message must be a JSON object.", code="parse_error") from None
    if not isinstance(message, dict):
        raise Refusal("A message must be a JSON object.")
    kind, job_id, after = message.get("type"), message.get("job_id"), message.get("after", 0)
    if not isinstance(kind, str) or kind not in FIELDS:
        raise Refusal(f"'type' must be one of {', '.join(FIELDS)}.", code="invalid_value", param="type")
    for name in message:
        if name not in FIELDS[kind]:
            raise Refusal("There is no such field in this message.", code="unknown_field", param=name[:SHOWN])
    if not isinstance(job_id, str):
        raise Refusal("'job_id' must be the id of a job.", code="invalid_type", param="job_id")
    if not JOB_ID.fullmatch(job_id):
        raise NotFound("There is no such job.", param="job_id")
    if type(after) is not int or not 0 <= after <= HIGHEST:
        raise Refusal("'after' must be the sequence of an event, a whole number.", code="invalid_parameter", param="after")
    return Command(kind, job_id, after)


def _error(refusal: Refusal) -> dict[str, Any]:
    error = {"type": refusal.type, "code": refusal.code, "message": refusal.message, "param": refusal.param}
    return {"type": "error", "error": error}


async def _hold(visit: Visit) -> Closed:
    return await EventSocket(visit).run()


event_socket = Door(EVENTS, Scope.JOBS, _hold)
