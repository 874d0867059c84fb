"""Schedulers as processes, on a Redis of their own that is killed and started again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import dramatiq
import pytest
import redis
from apscheduler.triggers.interval import IntervalTrigger
from dramatiq.brokers.stub import StubBroker
from dramatiq_crontab import LazyBlockingScheduler, scheduler, utils

from jobs import schedule as scheduling
from jobs.models import Output
from jobs.schedule import Schedule, purge_expired
from tests.factories import make_output
from tests.jobs.test_purging import ago
from tests.servers import RedisServer

pytestmark = pytest.mark.shapes("deployed")

TAKEN_OVER = 15.0
# seconds that may pass without a scheduler when one has died
START = 40.0
LOCK = type("Embedded", (AbstractContextManager,), {"__exit__": lambda *_: None, "extend": lambda *_: True})()
# as the package has it where there is no Redis

WORKER = """
import os, signal, sys, threading

import django

django.setup()

import dramatiq
from dramatiq_crontab import interval

from config.broker import make_broker

broker = make_broker(sys.argv[1])
dramatiq.set_broker(broker)

from jobs.schedule import schedule

broker.add_middleware(schedule)
interval(seconds=1)(dramatiq.actor(lambda: None, actor_name=f"tick_{os.getpid()}", queue_name="ticks"))
worker = dramatiq.Worker(broker, queues={"unread"}, worker_threads=1)
worker.start()
over = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: over.set())
print("ready", flush=True)
over.wait()
worker.stop()
"""


@contextmanager
def worker(url: str) -> Iterator[subprocess.Popen[str]]:
    """A worker process that schedules a message a second, named after it."""
    # the database is only named: nothing of it is asked for here
    services = {"REDIS_URL": url, "BROKER_URL": "", "DATABASE_URL": "postgresql://127.0.0.1:1/none"}
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings", **services}
    process = subprocess.Popen([sys.executable, "-c", WORKER, url], stdout=subprocess.PIPE, text=True, env=environment)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


def sent(url: str) -> list[int]:
    """The processes that sent the messages that there are."""
    with redis.Redis.from_url(url) as client:
        return [int(json.loads(data)["actor_name"].removeprefix("tick_")) for data in client.hvals("voice:ticks.msgs")]


def until(condition: Callable[[], bool], patience: float) -> float:
    """Seconds until it was so."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < patience
        time.sleep(0.1)
    return time.monotonic() - started


def test_of_two_schedulers_one_sends_and_the_other_takes_over(server):
    with worker(server.url) as one, worker(server.url) as other:
        until(lambda: len(sent(server.url)) >= 5, START)
        (leader,) = set(sent(server.url))
        assert leader in {one.pid, other.pid}
        assert len(sent(server.url)) <= 6

        heir = other.pid if leader == one.pid else one.pid
        os.kill(leader, signal.SIGKILL)

        until(lambda: heir in sent(server.url), TAKEN_OVER)


def test_a_scheduler_that_ends_hands_over_at_once(server):
    with worker(server.url) as first:
        until(lambda: bool(sent(server.url)), START)
        with worker(server.url) as second:
            first.terminate()
            assert first.wait(10) == 0

            assert until(lambda: second.pid in sent(server.url), TAKEN_OVER) < 5


def test_a_scheduler_that_was_held_up_does_not_send_beside_its_heir(server):
    with worker(server.url) as first:
        until(lambda: bool(sent(server.url)), START)
        with worker(server.url) as second:
            first.send_signal(signal.SIGSTOP)
            until(lambda: second.pid in sent(server.url), TAKEN_OVER)
            before = sent(server.url).count(first.pid)

            first.send_signal(signal.SIGCONT)
            time.sleep(7)

            assert sent(server.url).count(first.pid) == before
            assert first.poll() is None


def test_it_goes_on_when_redis_was_away(server):
    with worker(server.url) as process:
        until(lambda: bool(sent(server.url)), START)
        server.kill()
        time.sleep(8)
        server.start()

        until(lambda: process.pid in sent(server.url), TAKEN_OVER)

        server.restart()
        until(lambda: process.pid in sent(server.url), TAKEN_OVER)
        process.terminate()
        assert process.wait(10) == 0


def test_a_process_that_is_no_worker_schedules_nothing():
    assert not [thread for thread in threading.enumerate() if thread.name == "schedule"]
    assert {"purge_expired", "send_due_webhooks"} <= {job.name for job in scheduler.get_jobs()}


def test_it_starts_and_ends_with_a_worker_and_does_so_again(monkeypatch):
    """In one process, where there is no Redis and nobody to share with."""
    ticks: list[int] = []
    broker, lead = StubBroker(), Schedule()
    broker.add_middleware(lead)
    jobs = LazyBlockingScheduler()
    jobs.add_job(ticks.append, IntervalTrigger(seconds=1), args=[1])
    monkeypatch.setattr(scheduling, "scheduler", jobs)
    monkeypatch.setattr(utils, "lock", LOCK)

    for _ in range(2):
        ticks.clear()
        worker = dramatiq.Worker(broker, worker_threads=1)
        worker.start()
        until(lambda: bool(ticks), 5)
        worker.stop()
        assert not [thread for thread in threading.enumerate() if thread.name in {"schedule", "APScheduler"}]


def test_what_is_scheduled_purges(transactional_db, alice):
    make_output(alice, expires_at=ago(seconds=1))

    purge_expired()

    assert not Output.objects.exists()
