"""Database connections and long waits: whoever waits holds none."""

from __future__ import annotations

from django.db import connections


def give_back() -> None:
    """Close this thread's connections, or give them back to their pool. The next query takes one that was checked.

    Within a transaction nothing happens: it would end with its connection.
    """
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close()
