"""The end of a worker: wished from outside, or because it has to go, and then its supervisor starts another.

It is asked for here and done by whoever runs the worker.
"""

from __future__ import annotations

from enum import IntEnum
from queue import Empty, SimpleQueue

import structlog

log = structlog.get_logger("worker")


class Reason(IntEnum):
    """What the process exits with."""

    WISHED = 0
    DEVICE_LOST = 75
    # as sysexits.h has it, a temporary failure: the accelerator no longer answers this process
    RECYCLED = 76
    # it holds memory, or a context on the device, that nothing needs any more


_reasons: SimpleQueue[Reason] = SimpleQueue()
# it has no lock of its own: a signal asks while the same thread waits, and with an Event's that could be for ever


def ask(reason: Reason) -> None:
    """Let the process end when the work in hand is done. The first reason counts."""
    _reasons.put(reason)


def wait(seconds: float) -> Reason | None:
    """The reason, as soon as there is one; None when there is none within so many seconds."""
    try:
        return _reasons.get(timeout=seconds)
    except Empty:
        return None
