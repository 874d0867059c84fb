"""Between the threads that make items and the one event loop in which a process talks to its upstreams.

A thread that waits for a socket can't be told to stop; a task can, and closes its connection at once. So whoever draws gets an empty
block now and then while nothing comes, and may leave.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Generator
from concurrent.futures import wait
from contextlib import aclosing

import numpy as np

from voice.engines.base import Pcm

LOOK_EVERY = 0.05
# seconds without a block after which an empty one is given
AHEAD = 4
# blocks that are read before they are drawn

Blocks = asyncio.Queue[Pcm | Exception | None]
# None: the end


class Loop:
    """An event loop in a thread of its own, for as long as the process lives."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="upstreams", daemon=True).start()

    def drawn(self, blocks: AsyncGenerator[Pcm, None]) -> Generator[Pcm, None, None]:
        """What the asynchronous generator yields and raises, and empty blocks meanwhile. Closed, it cancels the other at once."""
        queue: Blocks = asyncio.Queue(AHEAD)
        pump = asyncio.run_coroutine_threadsafe(_pump(blocks, queue), self._loop)
        nothing = np.empty(0, np.int16)
        try:
            while True:
                coming = asyncio.run_coroutine_threadsafe(queue.get(), self._loop)
                try:
                    while not wait([coming], LOOK_EVERY).done:
                        yield nothing
                finally:
                    coming.cancel()
                match coming.result():
                    case None:
                        return
                    case Exception() as error:
                        raise error
                    case block:
                        yield block
        finally:
            pump.cancel()


async def _pump(blocks: AsyncGenerator[Pcm, None], queue: Blocks) -> None:
    try:
        async with aclosing(blocks):
            async for block in blocks:
                await queue.put(block)
    except Exception as error:
        await queue.put(error)
    else:
        await queue.put(None)
