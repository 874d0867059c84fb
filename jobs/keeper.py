"""One thread per worker process that keeps its leases, reports it alive and sweeps: what must go on while actors are busy."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable
from typing import Protocol

import dramatiq
import structlog
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection
from django.db.models.functions import Now

from accounts.ids import new_id
from config.errors import Unavailable
from jobs import services
from jobs.models import Item, Worker

log = structlog.get_logger("keeper")

BEAT = 0.5
# seconds between two renewals of a lease; also the longest that a wish to stop goes unseen
SWEEP_EVERY = 1.0
# seconds


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
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def hold(self, work: Held) -> None:
        with self._lock:
            self._held.add(work)

    def release(self, work: Held) -> None:
        with self._lock:
            self._held.discard(work)

    def after_worker_boot(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        self._over.clear()
        queues = sorted(broker.get_declared_queues())
        Worker.objects.update_or_create(id=self.name, defaults={"threads": worker.worker_threads, "queues": queues, "seen_at": Now()})
        self._thread = threading.Thread(target=self._run, args=(worker.worker_threads, queues), name="keeper", daemon=True)
        self._thread.start()

    def after_worker_shutdown(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join()
        _guarded(Worker.objects.filter(pk=self.name).delete)

    def beat(self) -> None:
        """Renew every lease; whoever lost his is told."""
        with self._lock:
            held = list(self._held)
        for work in held:
            if not work.item.renew(lease=settings.LEASE):
                work.halt()

    def _run(self, threads: int, queues: list[str]) -> None:
        swept = 0.0
        while not self._over.wait(BEAT):
            _guarded(self.beat)
            if time.monotonic() - swept >= SWEEP_EVERY:
                swept = time.monotonic()
                _guarded(lambda: self._report(threads, queues))
                _guarded(services.sweep)
        connection.close()

    def _report(self, threads: int, queues: list[str]) -> None:
        if not Worker.objects.filter(pk=self.name).update(seen_at=Now()):
            Worker.objects.create(id=self.name, threads=threads, queues=queues)


def _guarded(step: Callable[[], object]) -> None:
    """Run a step; a database that is away must not end the thread that waits for it to come back."""
    try:
        step()
    except (DatabaseError, Unavailable) as error:
        log.warning("keeper", step=getattr(step, "__name__", "report"), reason=repr(error))
        connection.close()


keeper = Keeper()
