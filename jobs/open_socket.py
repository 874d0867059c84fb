"""What every open socket has: tasks that end together, limits on what comes in, patience with what goes out."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import NoReturn

import structlog

from accounts.models import Scope
from jobs import closing
from jobs.closing import Closed
from jobs.doors import Visit
from jobs.rates import Bucket
from jobs.rounds import watch_caller

log = structlog.get_logger("socket")

SEND_PATIENCE = 60.0
# seconds that a client may let one message wait
CLIENT_LEFT = "client_left"


@dataclass(frozen=True, slots=True)
class Limits:
    """Of what a client sends."""

    largest: int
    # bytes of one message
    messages: tuple[float, float]
    # a second, and at once: beyond them the socket is closed
    bytes: tuple[float, float]
    # the same: whoever sends more is slowed down, not cut off


class OpenSocket(ABC):
    """A task that reads, one that writes, one that watches whether its caller may still call, and one for each thing that is under way.

    They end together, and whatever one waits for ends with it.
    """

    def __init__(self, visit: Visit, needs: Scope, limits: Limits) -> None:
        self._visit = visit
        self._needs = needs
        self._largest = limits.largest
        self._messages = Bucket(*limits.messages)
        self._bytes = Bucket(*limits.bytes)
        self._tasks = asyncio.TaskGroup()

    async def run(self) -> Closed:
        """Serve the client, and say how the socket ended."""
        end = Closed(None, "")
        try:
            async with self._tasks:
                self._tasks.create_task(self._write())
                self._tasks.create_task(watch_caller(self._visit.bearer, self._needs))
                self._begin()
                await self._read()
        except* Closed as ends:
            end = next(one for one in ends.exceptions if isinstance(one, Closed))
        except* Exception as faults:
            log.error("unexpected", exc_info=faults)
            end = Closed(closing.INTERNAL_ERROR, "internal_error")
        return end

    def _begin(self) -> None:  # noqa: B027  -- most have nothing else to begin with
        """What else goes on from the beginning."""

    @abstractmethod
    async def _read(self) -> NoReturn: ...

    @abstractmethod
    async def _write(self) -> NoReturn: ...

    async def _text(self) -> str:
        """The client's next message."""
        message = await self._visit.receive()
        if message["type"] == "websocket.disconnect":
            raise Closed(None, CLIENT_LEFT, resumable=message.get("code") != closing.NORMAL)
        text: str | None = message.get("text")
        if text is None:
            raise Closed(closing.UNSUPPORTED_DATA, "unsupported_data")
        size, now = len(text.encode()), time.monotonic()
        if size > self._largest:
            raise Closed(closing.TOO_BIG, "message_too_big")
        if not self._messages.take(1, now):
            raise Closed(closing.POLICY_VIOLATION, "too_many_messages")
        if (wait := self._bytes.owe(size, now)) > 0:
            # not read on before then
            await asyncio.sleep(wait)
        return text

    async def _sent(self, text: str) -> None:
        try:
            async with asyncio.timeout(SEND_PATIENCE):
                await self._visit.send({"type": "websocket.send", "text": text})
        except TimeoutError:
            raise Closed(closing.TOO_SLOW, "client_too_slow") from None
        except OSError:
            raise Closed(None, CLIENT_LEFT, resumable=True) from None
