"""A worker in this process: its engines told to the database, its threads on the queues."""

from __future__ import annotations

import os
import signal
from collections.abc import Set

import dramatiq
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from accounts.runtime import runtime
from jobs import departure
from jobs.departure import Reason
from jobs.keeper import keeper
from voice import catalogue
from voice.conditioning import forget_leftovers

EVERYBODY = {"live", "batch"}
NEURAL = {"neural", "neural-batch"}
# where this machine can run models
EVERYTHING = EVERYBODY | NEURAL
LOOK_EVERY = 1.0
# seconds
IDLE_MS = 1000
# how long a thread without work sleeps before it looks whether it is to stop


def start_worker(*, among: Set[str] = EVERYTHING) -> dramatiq.Worker:
    """Engines are loaded and listed first, so that a worker that reports itself alive can speak. `among` these queues it takes its own."""
    queues = queues_here() & among
    runtime.start()
    catalogue.synchronise()
    catalogue.preload()
    forget_leftovers()
    keeper.describe = catalogue.report
    keeper.run_instruction = catalogue.run_instruction
    worker = dramatiq.Worker(dramatiq.get_broker(), queues=queues, worker_threads=settings.WORKER_THREADS, worker_timeout=IDLE_MS)
    worker.start()
    return worker


def queues_here() -> set[str]:
    """The queues that a worker on this machine takes from: all that it can, or of those the ones that its operator wants."""
    possible = EVERYTHING if catalogue.runs_models() else EVERYBODY
    if impossible := set(settings.WORKER_QUEUES) - possible:
        named = ", ".join(sorted(impossible))
        raise ImproperlyConfigured(f"WORKER_QUEUES: nothing here can run models, for {named}: pip install 'voice-platform[gpu]'")
    return set(settings.WORKER_QUEUES) or possible


def wait_for_the_end() -> Reason:
    """Return the reason at SIGTERM or SIGINT, when the worker has to go, or when the supervisor is gone.

    A worker that nobody restarts must not outlive its supervisor unseen.
    """
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: departure.ask(Reason.WISHED))
    supervisor = os.getppid()
    while os.getppid() == supervisor:
        if (reason := departure.wait(LOOK_EVERY)) is not None:
            return reason
    return Reason.WISHED
