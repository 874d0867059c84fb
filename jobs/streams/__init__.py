"""Where the bytes of running items are kept for whoever follows: in this process, or in Redis when there is one."""

from __future__ import annotations

from functools import cache

from django.conf import settings

from jobs.streams.base import Streams
from jobs.streams.memory import MemoryStreams
from jobs.streams.redis import RedisStreams


@cache
def streams() -> Streams:
    """The process's streams. One object, for the memory of one is invisible to another; `streams.cache_clear()` makes a new one."""
    lifetime = settings.STREAM_LIFETIME.total_seconds()
    if settings.REDIS_URL:
        return RedisStreams(settings.REDIS_URL, max_bytes=settings.STREAM_BYTES, lifetime=lifetime)
    return MemoryStreams(max_bytes=settings.STREAM_BYTES, lifetime=lifetime)
