from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from jobs.streams.base import Streams
from jobs.streams.memory import MemoryStreams
from jobs.streams.redis import RedisStreams
from tests.jobs.streams.server import RedisServer

MakeStreams = Callable[..., Streams]


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    yield server
    server.kill()


@pytest.fixture(params=["memory", "redis"])
def make_streams(request: pytest.FixtureRequest) -> MakeStreams:
    """Either implementation, by the same arguments."""

    def make(max_bytes: int = 1 << 20, lifetime: float = 60.0) -> Streams:
        if request.param == "memory":
            return MemoryStreams(max_bytes, lifetime)
        server: RedisServer = request.getfixturevalue("redis_server")
        server.client.flushall()
        return RedisStreams(server.url, max_bytes, lifetime)

    return make


@pytest.fixture
def streams(make_streams: MakeStreams) -> Streams:
    return make_streams()
