"""`WS /v1/events`: the events of any number of jobs over one WebSocket, for apps that have one open."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any, NoReturn

import structlog
from channels.db import database_sync_to_async
from django.db import InterfaceError, OperationalError

from accounts.models import Scope
from accounts.tokens import Identity
from config.errors import Forbidden, NotFound, Refusal
from jobs import closing
from jobs.admission import CHECK_EVERY, admit
from jobs.errors import InvalidState, TooManySockets
from jobs.events import HIGHEST, events
from jobs.handshake import EVENTS, bearer, subprotocol
from jobs.models import Job
from jobs.sockets import counted

log = structlog.get_logger("socket")

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

SUBSCRIBE = "job.subscribe"
UNSUBSCRIBE = "job.unsubscribe"
FIELDS = {SUBSCRIBE: {"type", "job_id", "after"}, UNSUBSCRIBE: {"type", "job_id"}}
JOB_ID = re.compile(r"job_[0-9a-z]{26}", re.ASCII)
LARGEST_MESSAGE = 65_536
# bytes
MOST_SUBSCRIPTIONS = 20
MOST_MESSAGES = 100
# of a client's, in a second
WAITING = 100
# messages made and not sent: then whoever makes them waits
SEND_PATIENCE = 60.0
# seconds that a client may let one message wait
CLOSE_PATIENCE = 2.0
# and the closing of the socket
SHOWN = 40
# characters of a field's name that a refusal repeats


class TooManySubscriptions(InvalidState):
    code = "too_many_subscriptions"
    message = f"A socket follows {MOST_SUBSCRIPTIONS} jobs at most. Unsubscribe from one, or open another socket."


class _End(Exception):
    """The socket is to be closed; without a code the client has left."""

    def __init__(self, code: int | None) -> None:
        self.code = code


async def event_socket(scope: Message, receive: Receive, send: Send) -> None:
    """The ASGI application. Who may not call is refused before the socket is opened, as HTTP 403."""
    await receive()
    token = bearer(scope, EVENTS)
    code = None
    try:
        identity = await admit(token, Scope.JOBS)
    except Refusal:
        await send({"type": "websocket.close", "code": closing.POLICY_VIOLATION})
        return
    except (OperationalError, InterfaceError) as fault:
        log.warning("database away", reason=repr(fault))
        code = closing.TRY_AGAIN_LATER
    # a code can only be told on an open socket
    await send({"type": "websocket.accept", "subprotocol": subprotocol(scope, EVENTS)})
    if code is None:
        try:
            async with counted(identity.user):
                code = await EventSocket(receive, send, identity, token).run()
        except TooManySockets:
            code = closing.TOO_MANY
    if code is not None:
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(CLOSE_PATIENCE):
                await send({"type": "websocket.close", "code": code})


class EventSocket:
    """An open socket: a task that reads, one that writes, one that looks whether its caller may still call, and one for each job followed.

    They end together, and whatever one waits for ends with it.
    """

    def __init__(self, receive: Receive, send: Send, identity: Identity, token: str) -> None:
        self._receive = receive
        self._send = send
        self._owner = identity.user
        self._token = token
        self._tasks = asyncio.TaskGroup()
        self._following: dict[str, asyncio.Task[None]] = {}
        self._outgoing: asyncio.Queue[dict[str, Any]] = asyncio.Queue(WAITING)
        self._second = 0
        self._messages = 0

    async def run(self) -> int | None:
        """Serve the client, and tell the code to close with; none when it has left."""
        code: int | None = None
        try:
            async with self._tasks:
                self._tasks.create_task(self._write())
                self._tasks.create_task(self._look_after())
                await self._read()
        except* _End as ends:
            code = next(end.code for end in ends.exceptions if isinstance(end, _End))
        except* Exception as faults:
            log.error("unexpected", exc_info=faults)
            code = closing.INTERNAL_ERROR
        return code

    async def _read(self) -> NoReturn:
        while True:
            message = await self._receive()
            if message["type"] == "websocket.disconnect":
                raise _End(None)
            self._count()
            text = message.get("text")
            if text is None:
                raise _End(closing.UNSUPPORTED_DATA)
            if len(text.encode()) > LARGEST_MESSAGE:
                raise _End(closing.TOO_BIG)
            try:
                await self._obey(_understood(text))
            except Refusal as refusal:
                await self._tell(_error(refusal))
            except (OperationalError, InterfaceError):
                raise _End(closing.TRY_AGAIN_LATER) from None

    def _count(self) -> None:
        second = int(time.monotonic())
        if second != self._second:
            self._second, self._messages = second, 0
        self._messages += 1
        if self._messages > MOST_MESSAGES:
            raise _End(closing.POLICY_VIOLATION)

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
        mine = Job.objects.of(self._owner).listed().filter(pk=job_id)
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

    async def _look_after(self) -> NoReturn:
        while True:
            await asyncio.sleep(CHECK_EVERY)
            try:
                await admit(self._token, Scope.JOBS)
            except Forbidden:
                raise _End(closing.NOT_ALLOWED) from None
            except Refusal:
                raise _End(closing.NOT_AUTHENTICATED) from None
            except (OperationalError, InterfaceError):
                continue  # nobody knows now, and there is nothing to tell either

    async def _tell(self, message: dict[str, Any]) -> None:
        await self._outgoing.put(message)

    async def _write(self) -> NoReturn:
        while True:
            text = json.dumps(await self._outgoing.get(), separators=(",", ":"))
            try:
                async with asyncio.timeout(SEND_PATIENCE):
                    await self._send({"type": "websocket.send", "text": text})
            except TimeoutError:
                raise _End(closing.TOO_SLOW) from None
            except OSError:
                raise _End(None) from None


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
