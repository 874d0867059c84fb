"""A worker in this process: its engines told to the database, its threads on the queues."""

from __future__ import annotations

import os
import signal
import threading

import dramatiq
from django.conf import settings

from voice.catalogue import synchronise
from voice.conditioning import forget_leftovers

QUEUES = {"live", "batch"}
LOOK_EVERY = 1.0
# seconds
IDLE_MS = 1000
# how long a thread without work sleeps before it looks whether it is to stop


def start_worker() -> dramatiq.Worker:
    """Engines are loaded and listed first, so that a worker that reports itself alive can speak."""
    synchronise()
    forget_leftovers()
    worker = dramatiq.Worker(dramatiq.get_broker(), queues=QUEUES, worker_threads=settings.WORKER_THREADS, worker_timeout=IDLE_MS)
    worker.start()
    return worker


def wait_for_the_end() -> None:
    """Return at SIGTERM or SIGINT, or when the supervisor is gone: a worker that nobody restarts must not outlive it unseen."""
    over = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: over.set())
    supervisor = os.getppid()
    while not over.wait(LOOK_EVERY) and os.getppid() == supervisor:
        pass
