"""How many sockets a user has open: counted in this process, or in Redis when there is one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import cache

from django.conf import settings

from accounts.ids import new_id
from accounts.models import User
from accounts.runtime import runtime
from jobs.errors import TooManySockets
from jobs.sockets.base import Sockets
from jobs.sockets.memory import MemorySockets
from jobs.sockets.redis import RedisSockets

LIFETIME = 30.0
# seconds after which the sockets of a process that was killed are forgotten


@cache
def sockets() -> Sockets:
    """The process's count. One object, for the memory of one is invisible to another; `sockets.cache_clear()` makes a new one."""
    return RedisSockets(settings.REDIS_URL, LIFETIME) if settings.REDIS_URL else MemorySockets()


@asynccontextmanager
async def counted(user: User) -> AsyncGenerator[None, None]:
    """One of the sockets that a user may have open at a time; TooManySockets when he has them all."""
    owner, socket = str(user.pk), new_id("socket")
    # a thread can't be cancelled: whatever happens here, what it has added is removed
    adding = asyncio.ensure_future(asyncio.to_thread(sockets().add, owner, socket, most=runtime.SOCKETS_PER_USER))
    try:
        if not await asyncio.shield(adding):
            raise TooManySockets
        yield
    finally:
        await asyncio.shield(_removed(adding, owner, socket))


async def _removed(adding: asyncio.Future[bool], owner: str, socket: str) -> None:
    if await adding:
        await asyncio.to_thread(sockets().remove, owner, socket)
