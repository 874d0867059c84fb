"""The sockets that are open, counted by owner, so that nobody has more than his share of them."""

from __future__ import annotations

from typing import Protocol


class Sockets(Protocol):
    """Whoever adds a socket removes it. What a process that was killed has left behind is forgotten after a while."""

    def add(self, owner: str, socket: str, *, most: int) -> bool:
        """Count one more socket of an owner (from any thread); False when he has `most` open already."""
        ...

    def remove(self, owner: str, socket: str) -> None:
        """Count it no more; nothing happens when it is not counted."""
        ...
