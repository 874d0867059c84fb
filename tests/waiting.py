"""Waiting for what another thread or process does beside the test."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

TIMEOUT_S = 180.0  # only a test that fails waits this long, so that a busy machine fails none
_INTERVAL_S = 0.02

T = TypeVar("T")


def wait_until(condition: Callable[[], T]) -> T:
    """Return what the condition returns, as soon as that is true. Fail after `TIMEOUT_S`."""
    deadline = time.monotonic() + TIMEOUT_S
    while not (found := condition()):
        assert time.monotonic() < deadline, "timed out: the condition never became true"
        time.sleep(_INTERVAL_S)
    return found


async def wait_until_async(condition: Callable[[], T]) -> T:
    """Do what `wait_until` does, without blocking the event loop. The condition must not block."""
    deadline = time.monotonic() + TIMEOUT_S
    while not (found := condition()):
        assert time.monotonic() < deadline, "timed out: the condition never became true"
        await asyncio.sleep(_INTERVAL_S)
    return found
