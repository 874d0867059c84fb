from __future__ import annotations

from collections.abc import Iterator

import pytest

from jobs.streams import streams
from jobs.streams.memory import MemoryStreams
from jobs.streams.redis import RedisStreams


@pytest.fixture(autouse=True)
def _made_anew() -> Iterator[None]:
    streams.cache_clear()
    yield
    streams.cache_clear()


def test_without_redis_there_is_one_set_of_streams_in_memory(settings):
    settings.REDIS_URL = ""

    assert isinstance(streams(), MemoryStreams)
    assert streams() is streams()


def test_with_redis_they_are_there(settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"

    assert isinstance(streams(), RedisStreams)
