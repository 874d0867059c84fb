from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import redis

from jobs import sockets as ours
from jobs.errors import TooManySockets
from jobs.sockets import counted, sockets
from jobs.sockets.base import Sockets
from jobs.sockets.memory import MemorySockets
from jobs.sockets.redis import PREFIX, RedisSockets
from tests.servers import RedisServer
from tests.waiting import wait_until, wait_until_async

LIFETIME_S = 600.0  # no busy machine forgets a socket that a test has open


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """Not the run's: it is flushed and killed."""
    with RedisServer() as server:
        yield server


@pytest.fixture
def client(redis_server: RedisServer) -> redis.Redis:
    client = redis.Redis.from_url(redis_server.url)
    client.flushall()
    return client


Process = Callable[..., RedisSockets]


@pytest.fixture
def process() -> Iterator[Process]:
    """Makes what a process counts with. What it has open at the end is closed, so that its thread renews nothing more."""
    made: list[RedisSockets] = []

    def make(server: RedisServer, lifetime: float = LIFETIME_S) -> RedisSockets:
        made.append(RedisSockets(server.url, lifetime))
        return made[-1]

    yield make
    for counting in made:
        for owner, names in counting._own.held().items():
            for name in names:
                counting.remove(owner, name)


@pytest.fixture(params=["memory", "redis"])
def make_sockets(request: pytest.FixtureRequest) -> Callable[[], Sockets]:
    if request.param == "memory":
        return MemorySockets
    request.getfixturevalue("client")
    process: Process = request.getfixturevalue("process")
    return lambda: process(request.getfixturevalue("redis_server"))


def test_an_owner_has_so_many_and_another_has_his_own(make_sockets):
    counting = make_sockets()

    assert [counting.add("alice", str(number), most=2) for number in range(3)] == [True, True, False]
    assert counting.add("bob", "b", most=2)


def test_one_that_is_closed_makes_room(make_sockets):
    counting = make_sockets()
    counting.add("alice", "a", most=1)

    counting.remove("alice", "a")
    counting.remove("alice", "a")

    assert counting.add("alice", "b", most=1)
    assert not counting.add("alice", "c", most=1)


def test_many_at_once_are_admitted_exactly(make_sockets):
    counting: Sockets = make_sockets()
    together = threading.Barrier(30)

    def add(number: int) -> bool:
        together.wait()
        return counting.add("alice", str(number), most=10)

    with ThreadPoolExecutor(30) as pool:
        assert sum(pool.map(add, range(30))) == 10


def test_processes_count_together(client, redis_server, process):
    one, another = (process(redis_server) for _ in range(2))
    assert one.add("alice", "a", most=2)
    assert another.add("alice", "b", most=2)

    assert [each.add("alice", "c", most=2) for each in (one, another)] == [False, False]

    one.remove("alice", "a")
    assert another.add("alice", "c", most=2)


def test_a_renewal_lets_nobody_in_who_is_not_admitted_yet(client, redis_server, process, monkeypatch):
    process(redis_server).add("alice", "a", most=1)
    counting = process(redis_server)
    ask = counting._add

    def renewed_before(**arguments: Any) -> Any:
        counting._renew_all(counting._own.held())
        return ask(**arguments)

    monkeypatch.setattr(counting, "_add", renewed_before)

    assert not counting.add("alice", "b", most=1)
    assert client.zrange(PREFIX + "alice", 0, -1) == [b"a"]


def test_what_a_killed_process_had_open_is_forgotten_and_what_another_has_is_not(client, redis_server, process):
    living = process(redis_server)
    killed = process(redis_server, lifetime=1.0)
    killed._keep = lambda: None  # it renews nothing any more
    killed.add("alice", "killed", most=2)
    living.add("alice", "living", most=2)

    wait_until(lambda: living.add("alice", "third", most=2))

    assert not living.add("alice", "fourth", most=2)
    assert set(client.zrange(PREFIX + "alice", 0, -1)) == {b"living", b"third"}


def test_what_is_open_is_renewed_in_time(client, redis_server, process):
    counting = process(redis_server, lifetime=1.0)
    counting.add("alice", "a", most=1)
    first = client.zscore(PREFIX + "alice", "a") or 0

    wait_until(lambda: (client.zscore(PREFIX + "alice", "a") or 0) > first)


def test_nothing_is_left_in_redis(client, redis_server, process):
    counting = process(redis_server, lifetime=0.3)
    for number in range(20):
        counting.add("alice", str(number), most=20)
    for number in range(20):
        counting.remove("alice", str(number))

    wait_until(lambda: counting._keeper is None)

    assert client.keys() == []


def test_a_flush_does_not_forget_what_is_open_for_long(client, redis_server, process):
    counting = process(redis_server, lifetime=3.0)
    counting.add("alice", "a", most=1)

    client.flushall()

    wait_until(lambda: client.zcard(PREFIX + "alice") == 1)


def test_while_redis_is_away_a_process_counts_its_own(process):
    with RedisServer() as server:
        counting = process(server, lifetime=3.0)
        server.kill()

        assert [counting.add("alice", str(number), most=2) for number in range(3)] == [True, True, False]
        counting.remove("alice", "0")
        assert counting.add("alice", "3", most=2)

        server.start()
        client = redis.Redis.from_url(server.url)
        wait_until(lambda: client.zcard(PREFIX + "alice") == 2)
        for name in ("1", "3"):
            counting.remove("alice", name)


@pytest.fixture
def _anew() -> Iterator[None]:
    sockets.cache_clear()
    yield
    sockets.cache_clear()


@pytest.mark.usefixtures("_anew")
def test_where_they_are_counted_is_what_the_settings_say(settings):
    settings.REDIS_URL = ""
    assert isinstance(sockets(), MemorySockets)
    assert sockets() is sockets()

    sockets.cache_clear()
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert isinstance(sockets(), RedisSockets)


class Slow(MemorySockets):
    """Adds nothing before it may go on."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = threading.Event()
        self.goes_on = threading.Event()

    def add(self, owner: str, socket: str, *, most: int) -> bool:
        self.asked.set()
        self.goes_on.wait()
        return super().add(owner, socket, most=most)


@pytest.mark.parametrize("is_added", [False, True])
async def test_a_connection_that_is_cut_off_at_any_moment_leaves_nothing(alice, monkeypatch, is_added):
    counting = Slow()
    monkeypatch.setattr(ours, "sockets", lambda: counting)
    held = asyncio.Event()

    async def hold() -> None:
        async with counted(alice):
            held.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(hold())
    await asyncio.to_thread(counting.asked.wait)
    if is_added:
        counting.goes_on.set()
        await held.wait()
    task.cancel()
    counting.goes_on.set()
    await asyncio.wait([task])

    assert task.cancelled()
    await wait_until_async(lambda: counting.held() == {})


async def test_one_too_many_is_refused(alice, monkeypatch, settings):
    settings.SOCKETS_PER_USER = 1
    counting = MemorySockets()
    monkeypatch.setattr(ours, "sockets", lambda: counting)

    async with counted(alice):
        with pytest.raises(TooManySockets):
            async with counted(alice):
                pass
        assert sum(map(len, counting.held().values())) == 1
    assert counting.held() == {}
