"""What a worker process does beside its actors: it keeps their leases, reports itself alive and sweeps."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

import dramatiq
import structlog
from django.conf import settings
from django.db import connection
from django.db.models.functions import Now

from accounts.ids import new_id
from config.errors import Refusal
from jobs import dealing, metrics
from jobs.models import Instruction, InstructionState, Item, Worker

log = structlog.get_logger("keeper")

BEAT = 0.5
# seconds between two renewals of a lease; also the longest that a wish to stop goes unseen
SWEEP_EVERY = 1.0
# seconds
LAST_PATIENCE = 5.0
# seconds that the threads have to end


class Held(Protocol):
    """A claim that is being worked on."""

    item: Item

    def halt(self) -> None:
        """Told when the claim is no longer its holder's."""


class Keeper(dramatiq.Middleware):
    """Starts with a worker and ends with it."""

    def __init__(self) -> None:
        self.name = f"{socket.gethostname()}:{os.getpid()}:{new_id('w')[-6:]}"
        self._held: set[Held] = set()
        self._lock = threading.Lock()
        self._quiet = threading.Condition(self._lock)
        # told when nothing urgent is held any more
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []
        self.describe: Callable[[], dict[str, Any]] = dict
        # what else a report says: `device` and `models` of Worker
        self.run_instruction: Callable[[Instruction], str] = _nothing_known
        # does what staff want of this worker, and says what came of it

    def hold(self, work: Held) -> None:
        with self._lock:
            self._held.add(work)
            metrics.BUSY_THREADS.set(len(self._held))

    def release(self, work: Held) -> None:
        with self._lock:
            self._held.discard(work)
            metrics.BUSY_THREADS.set(len(self._held))
            if not self._urgent():
                self._quiet.notify_all()

    def let_pass(self, patience: float) -> float:
        """Wait while this process makes something that somebody listens to, so many seconds at most; how many it were."""
        started = time.monotonic()
        with self._lock:
            self._quiet.wait_for(lambda: not self._urgent(), patience)
        return time.monotonic() - started

    def _urgent(self) -> bool:
        return any(not work.item.batch for work in self._held)

    def after_worker_boot(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        self._over.clear()
        metrics.THREADS.set(worker.worker_threads)
        queues = sorted(worker.consumer_whitelist or broker.get_declared_queues())
        _guarded(self._report, worker.worker_threads, queues)
        self._threads = [
            # apart: a sweep that waits for a broker must not cost the leases
            threading.Thread(target=self._repeat, args=(BEAT, self.beat), name="leases", daemon=True),
            threading.Thread(
                target=self._repeat, args=(SWEEP_EVERY, self._report, worker.worker_threads, queues), name="report", daemon=True
            ),
            threading.Thread(target=self._repeat, args=(SWEEP_EVERY, dealing.sweep), name="sweep", daemon=True),
            # apart: loading a model takes longer than a worker may stay silent
            threading.Thread(target=self._repeat, args=(SWEEP_EVERY, self.run_instructions), name="instructions", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def after_worker_shutdown(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(LAST_PATIENCE)
        _guarded(Worker.objects.filter(pk=self.name).delete)

    def beat(self) -> None:
        """Renew every lease; whoever lost his is told."""
        with self._lock:
            held = list(self._held)
        if not held:
            return
        lost = Item.objects.renew([work.item for work in held], lease=settings.LEASE)
        for work in held:
            if work.item.pk in lost:
                work.halt()

    def run_instructions(self) -> None:
        """Do what staff have asked of this worker, one after the other."""
        for instruction in list(Instruction.objects.for_worker(self.name)):
            if not instruction.begin():
                continue
            try:
                told = self.run_instruction(instruction)
            except Refusal as refusal:
                instruction.finish(InstructionState.FAILED, refusal.reason)
            except Exception as error:  # whatever a model's library raises
                log.error("instruction", instruction=str(instruction), exc_info=error)
                instruction.finish(InstructionState.FAILED, repr(error))
            else:
                instruction.finish(InstructionState.DONE, told)

    def _repeat(self, every: float, step: Callable[..., object], *arguments: object) -> None:
        while not self._over.wait(every):
            _guarded(step, *arguments)
        connection.close()

    def _report(self, threads: int, queues: list[str]) -> None:
        with self._lock:
            items = sorted(work.item.pk for work in self._held)
        known = {"threads": threads, "queues": queues, "items": items, **self.describe()}
        if not Worker.objects.filter(pk=self.name).update(seen_at=Now(), **known):
            Worker.objects.create(id=self.name, **known)


def _nothing_known(instruction: Instruction) -> str:
    raise Refusal(f"This worker can't {instruction.verb} anything.")


def _guarded(step: Callable[..., object], *arguments: object) -> None:
    """Run a step. Whatever it meets must not end the thread: a worker that claims items and keeps no lease is worse than none."""
    try:
        step(*arguments)
    except Exception as error:
        log.warning("keeper", step=getattr(step, "__name__", ""), exc_info=error)
        connection.close()


keeper = Keeper()
