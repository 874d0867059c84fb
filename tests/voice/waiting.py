"""Waiting for what a worker does beside the test."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

PATIENCE = 30.0
# seconds


def until(condition: Callable[[], Any]) -> Any:
    """What the condition comes to, as soon as that is something."""
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.02)
    return found
