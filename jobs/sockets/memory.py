"""The sockets of one process, for where there is only one."""

from __future__ import annotations

import threading
from collections import defaultdict


class MemorySockets:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[str, set[str]] = defaultdict(set)

    def add(self, owner: str, socket: str, *, most: int) -> bool:
        with self._lock:
            if len(self._open[owner]) >= most:
                return False
            self._open[owner].add(socket)
            return True

    def remove(self, owner: str, socket: str) -> None:
        with self._lock:
            self._open[owner].discard(socket)
            if not self._open[owner]:
                del self._open[owner]

    def held(self) -> dict[str, list[str]]:
        """The sockets of every owner who has any."""
        with self._lock:
            return {owner: list(sockets) for owner, sockets in self._open.items() if sockets}
