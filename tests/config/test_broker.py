from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dramatiq
import pytest
import redis
import structlog
from dramatiq.brokers.stub import StubBroker
from dramatiq.errors import BrokerConnectionError
from dramatiq.middleware import TimeLimitExceeded

from config.broker import DEAD_LETTERS_KEPT, BlockingRedisBroker, make_broker
from tests.servers import RedisServer
from tests.waiting import TIMEOUT_S, wait_until


class Crew:
    """Workers in this process, each with a broker of its own as if in processes of their own, and what their actors did."""

    def __init__(self, url: str) -> None:
        self.url = url
        #: The worker's name, and the word.
        self.done: list[tuple[str, str]] = []
        self.release = threading.Event()
        self.broker = self._broker("sender")
        self._workers: list[dramatiq.Worker] = []

    def hire(self, name: str, threads: int = 2, idle_ms: int = 200) -> dramatiq.Worker:
        """With a long `idle_ms`, a message that is only found by looking now and then is found late."""
        broker = self.broker if not self.url else self._broker(name)
        worker = dramatiq.Worker(broker, worker_threads=threads, worker_timeout=idle_ms)
        worker.start()
        self._workers.append(worker)
        return worker

    def send(self, word: str, queue: str = "live") -> None:
        self.broker.get_actor(queue).send(word)

    def words(self, worker: str | None = None) -> list[str]:
        return [word for name, word in list(self.done) if worker in (None, name)]

    def dismiss(self) -> None:
        self.release.set()
        stopping = [threading.Thread(target=worker.stop) for worker in self._workers]
        for thread in stopping:
            thread.start()
        for thread in stopping:
            thread.join()
        self.broker.close()

    def _broker(self, name: str) -> dramatiq.Broker:
        broker = make_broker(self.url)

        def act(word: str) -> None:
            self.done.append((name, word))
            if word.startswith("long"):
                self.release.wait()
            if word.startswith("bad"):
                raise ValueError(word)

        dramatiq.actor(actor_name="live", queue_name="live", broker=broker)(act)
        dramatiq.actor(actor_name="batch", queue_name="batch", priority=10, broker=broker)(act)
        return broker


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    """Not the run's: it is flushed, and its connections are cut."""
    with RedisServer() as server:
        yield server


@pytest.fixture
def client(server: RedisServer) -> redis.Redis:
    return redis.Redis.from_url(server.url)


@pytest.fixture
def crew(server: RedisServer, client: redis.Redis) -> Iterator[Crew]:
    client.flushall()
    crew = Crew(server.url)
    yield crew
    crew.dismiss()


@pytest.fixture
def embedded() -> Iterator[Crew]:
    crew = Crew("")
    yield crew
    crew.dismiss()


def wait_until_idle(client: redis.Redis, workers: int = 1) -> None:
    """Wait until as many connections as there are workers block in Redis."""
    wait_until(lambda: sum("b" in each["flags"] for each in client.client_list()) >= workers)


def test_an_idle_worker_blocks_in_redis_until_a_message_comes(crew, client):
    crew.hire("a", idle_ms=1000)
    wait_until_idle(client)

    waiting = {each["cmd"] for each in client.client_list() if "b" in each["flags"]}
    for number in range(20):
        crew.send(f"word {number}", queue="live" if number % 2 else "batch")

    wait_until(lambda: len(crew.done) == 20)
    assert waiting == {"blmove"}


def test_messages_that_were_there_before_the_worker_are_taken(crew):
    for number in range(10):
        crew.send(f"early {number}")

    crew.hire("a")

    wait_until(lambda: len(crew.done) == 10)


@pytest.mark.parametrize("kind", ["crew", "embedded"])
def test_a_thread_that_is_free_again_does_not_wait_for_its_next_message(kind, request):
    crew = request.getfixturevalue(kind)
    crew.hire("a", threads=1, idle_ms=1000)

    for number in range(50):
        crew.send(f"word {number}")

    wait_until(lambda: len(crew.done) == 50)
    assert crew.words() == [f"word {number}" for number in range(50)]


def test_nothing_waits_behind_a_long_one_while_another_worker_is_idle(crew):
    crew.hire("busy")
    crew.send("long 1", queue="batch")
    crew.send("long 2", queue="live")
    wait_until(lambda: len(crew.done) == 2)

    crew.hire("idle")
    for number in range(3):
        crew.send(f"short live {number}")
        crew.send(f"short batch {number}", queue="batch")

    wait_until(lambda: len(crew.done) == 8)
    assert len(crew.words("idle")) == 6


def test_a_thread_is_kept_for_whoever_listens(crew):
    crew.hire("a", threads=2)
    for number in range(3):
        crew.send(f"long {number}", queue="batch")
    wait_until(lambda: crew.done)

    crew.send("short")

    wait_until(lambda: "short" in crew.words())
    assert crew.words() == ["long 0", "short"]


def test_live_speech_may_have_every_thread_and_leaves_a_batch_the_rest(crew):
    crew.hire("a", threads=3)
    crew.send("long live")
    wait_until(lambda: crew.done)

    crew.send("long batch 1", queue="batch")
    crew.send("long batch 2", queue="batch")

    wait_until(lambda: len(crew.done) == 3)


def test_a_single_thread_does_both(crew):
    crew.hire("a", threads=1)

    crew.send("word", queue="batch")

    wait_until(lambda: crew.done)


def test_many_idle_workers_leave_no_message_lying(crew, client):
    for number in range(4):
        crew.hire(f"worker {number}", threads=1, idle_ms=1000)
    wait_until_idle(client, workers=4)

    for number in range(4):
        crew.send(f"long {number}")

    wait_until(lambda: len(crew.done) == 4)
    assert len({name for name, _ in crew.done}) == 4


@pytest.mark.parametrize("kind", ["crew", "embedded"])
def test_the_live_queue_goes_first(kind, request):
    crew = request.getfixturevalue(kind)
    worker = crew.hire("a", threads=1, idle_ms=1000)
    crew.send("long", queue="batch")
    wait_until(lambda: crew.done)
    for number in range(5):
        crew.send(f"batch {number}", queue="batch")
    crew.send("live")
    if isinstance(worker.broker, BlockingRedisBroker):
        wait_until(lambda: worker.broker.places._urgent)
    else:
        wait_until(worker.broker.queues["live"].empty)

    crew.release.set()
    wait_until(lambda: len(crew.done) == 7)

    # the in-process broker may have begun the one it held
    assert "live" in crew.words()[1:3]


def test_an_undecodable_message_is_buried_and_its_neighbours_live(crew, client):
    for number, body in enumerate([b"not json", b"{}", b'{"queue_name":"live","actor_name":"live","args":[],"kwargs":{},"options":null}']):
        crew.send(f"before {number}")
        client.hset("voice:live.msgs", f"poison-{number}", body)
        client.rpush("voice:live", f"poison-{number}")
    client.rpush("voice:live", "without-a-body")
    crew.send("after")

    crew.hire("a", threads=3)

    wait_until(lambda: len(crew.done) == 4)
    wait_until(lambda: client.hlen("voice:live.msgs") == 0)
    assert client.zcard("voice:live.XQ") == 3
    assert not client.keys("voice:__acks__*live")
    for number in range(3):
        crew.send(f"long {number}")
    wait_until(lambda: len(crew.done) == 7)


def test_a_message_for_nobody_costs_no_thread(crew, server, client):
    stranger = make_broker(server.url)
    dramatiq.actor(actor_name="unknown", queue_name="live", broker=stranger)(lambda: None).send()
    crew.hire("a", threads=1)

    crew.send("word")

    wait_until(lambda: crew.words() == ["word"])
    assert client.zcard("voice:live.XQ") == 1


def test_an_actor_that_raises_is_not_called_again(crew, client):
    crew.hire("a", threads=1)

    crew.send("bad")
    crew.send("good")

    wait_until(lambda: crew.words() == ["bad", "good"])
    wait_until(lambda: client.hlen("voice:live.msgs") == 0)


def test_a_worker_that_stops_takes_nothing_more(crew, client):
    worker = crew.hire("a", threads=1, idle_ms=1000)
    crew.send("long")
    wait_until(lambda: crew.done)
    crew.send("left")
    stopping = threading.Thread(target=worker.stop)

    stopping.start()
    wait_until(lambda: worker.broker.places._size == 0)
    crew.release.set()
    stopping.join()

    assert crew.words() == ["long"]
    assert client.llen("voice:live") == 1


def test_a_worker_may_start_again_on_the_same_broker(crew):
    crew.url, shared = "", crew.url
    crew.hire("sender", threads=1).stop()
    crew.hire("sender", threads=1)

    crew.send("word")

    wait_until(lambda: crew.words() == ["word"])
    crew.url = shared


def test_a_busy_worker_stays_alive_in_the_eyes_of_others(crew, client):
    worker = crew.hire("a", threads=1)
    crew.send("long")
    wait_until(lambda: crew.done)
    assert isinstance(worker.broker, BlockingRedisBroker)

    def read_heartbeat() -> float:
        return float(client.zscore("voice:__heartbeats__", worker.broker.broker_id))

    first = read_heartbeat()
    wait_until(lambda: read_heartbeat() > first)
    second = read_heartbeat()
    wait_until(lambda: read_heartbeat() > second)


def test_the_connections_of_a_worker_may_be_cut(crew, client):
    crew.hire("a")
    wait_until_idle(client)

    client.client_kill_filter(_type="normal", skipme=True)
    for number in range(10):
        crew.send(f"word {number}")

    wait_until(lambda: len(crew.done) == 10)


def test_a_worker_goes_on_after_redis_was_away():
    with RedisServer() as server:
        crew = Crew(server.url)
        crew.hire("a")
        crew.send("long")
        wait_until(lambda: crew.done)

        server.kill()
        with pytest.raises(BrokerConnectionError):
            crew.send("lost")
        server.start()
        crew.send("after")
        wait_until(lambda: "after" in crew.words())
        crew.release.set()
        crew.release = threading.Event()
        # both threads are free again: that of the message which was under way in the outage, too
        crew.send("long 1")
        crew.send("long 2")
        wait_until(lambda: len(crew.done) == 4)
        crew.dismiss()


WORKER = """
import sys, time
import dramatiq
from pathlib import Path
from config.broker import make_broker

broker = make_broker(sys.argv[1])

@dramatiq.actor(actor_name="live", queue_name="live", broker=broker)
def act(word):
    Path(sys.argv[2]).write_text(word)
    time.sleep(600)

dramatiq.Worker(broker, worker_threads=1).start()
time.sleep(600)
"""


def test_the_message_of_a_killed_worker_is_given_to_another(crew, server, tmp_path):
    mark = tmp_path / "mark"
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings"}
    root = Path(__file__).parents[2]
    process = subprocess.Popen([sys.executable, "-c", WORKER, server.url, mark], env=environment, cwd=root)
    crew.send("precious")
    wait_until(lambda: mark.exists() and mark.read_text() == "precious")

    process.send_signal(signal.SIGKILL)
    process.wait()
    crew.hire("another")

    wait_until(lambda: crew.words() == ["precious"])


def test_a_deadline_interrupts_an_actor_of_a_worker_that_was_started_by_hand():
    broker = make_broker("")
    interrupted = threading.Event()

    def act() -> None:
        try:
            while True:
                time.sleep(0.01)
        except TimeLimitExceeded:
            interrupted.set()

    dramatiq.actor(actor_name="act", time_limit=100, broker=broker)(act).send()
    worker = dramatiq.Worker(broker, worker_threads=1, worker_timeout=200)
    worker.start()

    assert interrupted.wait(TIMEOUT_S)
    worker.stop()


def test_logs_say_which_item_and_forget_it_afterwards():
    broker = make_broker("")
    seen: list[dict[str, Any]] = []

    def act(*item: str) -> None:
        seen.append(dict(structlog.contextvars.get_contextvars()))
        structlog.contextvars.bind_contextvars(left="behind")

    actor = dramatiq.actor(actor_name="act", broker=broker)(act)
    first, second = actor.send("item_1"), actor.send()
    worker = dramatiq.Worker(broker, worker_threads=1, worker_timeout=200)
    worker.start()
    wait_until(lambda: len(seen) == 2)
    worker.stop()

    assert seen == [
        {"actor": "act", "message_id": first.message_id, "item_id": "item_1"},
        {"actor": "act", "message_id": second.message_id},
    ]


def test_the_broker_in_memory_keeps_few_dead_letters(embedded):
    broker = embedded.broker
    assert isinstance(broker, StubBroker)
    for _ in range(3 * DEAD_LETTERS_KEPT):
        broker.enqueue(dramatiq.Message(queue_name="live", actor_name="unknown", args=(), kwargs={}, options={}))
    embedded.hire("sender")

    embedded.send("word")

    wait_until(lambda: embedded.words() == ["word"])
    assert 0 < len(broker.dead_letters) <= DEAD_LETTERS_KEPT


def test_the_broker_in_memory_goes_on_after_an_actor_that_raised(embedded):
    embedded.hire("sender", threads=1)

    embedded.send("bad")
    embedded.send("good")

    wait_until(lambda: embedded.words() == ["bad", "good"])
