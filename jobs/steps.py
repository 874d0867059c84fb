"""Steps on the way to what somebody listens to: items of jobs that are not listed, ordered while he waits and left when he does not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from channels.db import database_sync_to_async

from accounts.tokens import Identity
from config.errors import Refusal
from jobs import services
from jobs.models import Item
from jobs.services import About, Order


def submit_step(identity: Identity, kind: str, order: Order) -> Item:
    """The item of an order, on its way to a worker. The Refusals are those of `jobs.services.submit`."""
    job = services.submit(owner=identity.user, api_key=identity.api_key, kind=kind, orders=[order], about=About(listed=False))
    return job.written[0]


async def ordered(submit: Callable[[], Item], *, executor: ThreadPoolExecutor | None = None) -> Item:
    """What `submit` comes to in a thread. That can't be cancelled: what it submits for somebody who has left meanwhile is stopped."""
    submitting = asyncio.ensure_future(database_sync_to_async(submit, thread_sensitive=False, executor=executor)())
    try:
        item: Item = await asyncio.shield(submitting)
    except asyncio.CancelledError:
        await asyncio.shield(_left(submitting))
        raise
    return item


async def leave(item: Item) -> None:
    """Nobody wants it any more."""
    await database_sync_to_async(services.leave, thread_sensitive=False)(item=item)


async def _left(submitting: asyncio.Future[Item]) -> None:
    try:
        item = await submitting
    except Refusal:
        return
    await leave(item)
