"""Keeps a number of worker processes running: each that ends, however it ended, is followed by another."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from jobs.departure import Reason

log = structlog.get_logger("supervisor")

SHORTEST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
# seconds before a process is started again; doubled for each that did not live long
LONG_LIFE = 60.0
# seconds after which a process counts as having worked
LOOK_EVERY = 0.2
LAST_PATIENCE = 40.0
# seconds that the processes have after the signal to end
PYTHON = str(Path(sys.executable).parent.resolve() / Path(sys.executable).name)
# of the version that this is: the link to it may point to the next one before this is restarted


@dataclass(slots=True)
class Slot:
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    pause: float = SHORTEST_PAUSE
    due: float = field(default_factory=time.monotonic)


class Supervisor:
    def __init__(self, processes: int) -> None:
        self._slots = [Slot() for _ in range(processes)]
        self._over = False
        # no Event: a signal would set it while this thread may hold its lock, and wait for itself

    def run(self) -> None:
        """Until SIGTERM or SIGINT, which the processes are sent too."""
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, self._told_to_end)
        while not self._over:
            for number, slot in enumerate(self._slots):
                self._look_after(number, slot)
            time.sleep(LOOK_EVERY)
        self._end()

    def _told_to_end(self, *_: object) -> None:
        self._over = True

    def _look_after(self, number: int, slot: Slot) -> None:
        now = time.monotonic()
        if slot.process is not None and slot.process.poll() is not None:
            log.warning("worker ended", pid=slot.process.pid, status=slot.process.returncode)
            short = now - slot.started < LONG_LIFE and slot.process.returncode != Reason.RECYCLED
            slot.pause = min(slot.pause * 2, LONGEST_PAUSE) if short else SHORTEST_PAUSE
            slot.due = now + slot.pause
            slot.process = None
        if slot.process is None and now >= slot.due:
            slot.process = subprocess.Popen([PYTHON, sys.argv[0], "work", "--child", "--number", str(number)])  # noqa: S603  -- this very program
            slot.started = now
            log.info("worker started", pid=slot.process.pid)

    def _end(self) -> None:
        running = [slot.process for slot in self._slots if slot.process is not None]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + LAST_PATIENCE
        for process in running:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
