"""Micro-batching: requests that wait for the same model are run in one forward pass, and each gets exactly its own result."""

from __future__ import annotations

import itertools
import logging
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from voice.engines.base import DeviceLost

log = logging.getLogger(__name__)

LOOK_EVERY = 1.0
# seconds

W = TypeVar("W")
R = TypeVar("R")


class OutOfMemory(Exception):
    """The device had no room for so much at once. What it held for it is free again."""


@dataclass(order=True, slots=True)
class _Waiting(Generic[W, R]):
    order: tuple[bool, int]
    # the urgent first, then as they came
    work: W = field(compare=False)
    size: int = field(compare=False)
    result: Future[R] = field(compare=False)


class Batcher(Generic[W, R]):
    """One thread that runs what others wait for. Ends with `close`."""

    def __init__(
        self,
        run: Callable[[Sequence[W]], Sequence[R]],
        *,
        measure: Callable[[W], int],
        window: float,
        most: int,
        largest: int,
        name: str,
    ) -> None:
        """`window` is how many seconds the first waits for company; at most `most` run together, and their number times the largest
        `measure` among them, which is what padding makes of them, is at most `largest`.
        """
        self._run = run
        self._measure = measure
        self._window = window
        self._most = most
        self._largest = largest
        self._waiting: list[_Waiting[W, R]] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._closed = False
        self._lost = False
        self._thread = threading.Thread(target=self._serve, name=f"batches of {name}", daemon=True)
        self._thread.start()

    def submit(self, work: W, *, urgent: bool) -> R:
        """Wait for the result of one piece of work. Whatever it raised is raised here."""
        waiting = _Waiting[W, R]((not urgent, next(self._numbers)), work, self._measure(work), Future())
        with self._changed:
            self._waiting.append(waiting)
            self._changed.notify()
        while not waiting.result.done():
            # not one long wait: what interrupts this thread is seen only between two
            wait([waiting.result], LOOK_EVERY)
        return waiting.result.result()

    def close(self) -> None:
        """End the thread after what waits; nobody submits any more."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _serve(self) -> None:
        while batch := self._next():
            self._perform(batch)

    def _next(self) -> list[_Waiting[W, R]]:
        """What is run next; nothing at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            until = time.monotonic() + self._window
            while not self._closed and len(self._waiting) < self._most and (left := until - time.monotonic()) > 0:
                self._changed.wait(left)
            return self._choose()

    def _choose(self) -> list[_Waiting[W, R]]:
        """The first in order, and as many of those that follow as fit beside it."""
        batch: list[_Waiting[W, R]] = []
        longest = 0
        for waiting in sorted(self._waiting):
            wider = max(longest, waiting.size)
            if batch and wider * (len(batch) + 1) > self._largest:
                continue
            batch.append(waiting)
            longest = wider
            if len(batch) == self._most:
                break
        chosen = {id(waiting) for waiting in batch}
        self._waiting = [waiting for waiting in self._waiting if id(waiting) not in chosen]
        return batch

    def _perform(self, batch: list[_Waiting[W, R]]) -> None:
        """Run a batch. Too large a one is halved, one that fails is run one by one: a text that breaks the model breaks only its own."""
        try:
            if self._lost:
                raise DeviceLost
            results = self._run([waiting.work for waiting in batch])
        except OutOfMemory as error:
            if len(batch) == 1:
                batch[0].result.set_exception(error)
                return
            middle = len(batch) // 2
            self._perform(batch[:middle])
            self._perform(batch[middle:])
        except DeviceLost as error:
            self._lost = True
            for waiting in batch:
                waiting.result.set_exception(error)
        except Exception as error:
            if len(batch) == 1:
                batch[0].result.set_exception(error)
                return
            log.warning("a batch of %d is run singly", len(batch), exc_info=error)
            # what the attempt had made on the device is held by its frames, and those by the error
            traceback.clear_frames(error.__traceback__)
            for waiting in batch:
                self._perform([waiting])
        else:
            for waiting, result in zip(batch, results, strict=True):
                waiting.result.set_result(result)
