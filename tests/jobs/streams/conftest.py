from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import redis

from jobs.streams.base import Streams
from jobs.streams.memory import MemoryStreams
from jobs.streams.redis import RedisStreams
from tests.servers import RedisServer
from tests.waiting import TIMEOUT_S

MakeStreams = Callable[..., Streams]


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """Not the run's: it is flushed."""
    with RedisServer() as server:
        yield server


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give Redis time: no test here is about one that answers slowly."""
    monkeypatch.setattr("jobs.streams.redis.TIMEOUT", TIMEOUT_S)


@pytest.fixture(params=["memory", "redis"])
def make_streams(request: pytest.FixtureRequest) -> MakeStreams:
    """Either implementation, by the same arguments."""

    def make(max_bytes: int = 1 << 20, lifetime: float = 60.0) -> Streams:
        if request.param == "memory":
            return MemoryStreams(max_bytes, lifetime)
        server: RedisServer = request.getfixturevalue("redis_server")
        redis.Redis.from_url(server.url).flushall()
        return RedisStreams(server.url, max_bytes, lifetime)

    return make


@pytest.fixture
def streams(make_streams: MakeStreams) -> Streams:
    return make_streams()
