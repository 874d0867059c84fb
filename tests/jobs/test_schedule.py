"""Schedulers as processes, on a Redis of their own that is killed and started again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
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
from tests.waiting import TIMEOUT_S, wait_until

pytestmark = pytest.mark.shapes("deployed")

LOCK_KEY = "dramatiq-scheduler"
LOCK_TIMEOUT_S = 600  # no busy machine loses a lock that long; a test that wants it lost makes it expire
LOCK = type("Embedded", (AbstractContextManager,), {"__exit__": lambda *_: None, "extend": lambda *_: True})()
# as the package has it where there is no Redis

WORKER = """
import os, signal, sys, threading

import django
from django.conf import settings

settings.DRAMATIQ_CRONTAB |= {"LOCK_TIMEOUT": float(sys.argv[2]), "LOCK_REFRESH_INTERVAL": 0.2}
django.setup()

import dramatiq
from dramatiq_crontab import interval

from config.broker import make_broker

broker = make_broker(sys.argv[1])
dramatiq.set_broker(broker)

from jobs import schedule

schedule.LOOK_EVERY = 0.1
broker.add_middleware(schedule.schedule)
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
def start_worker(url: str, *, lock_timeout_s: float = LOCK_TIMEOUT_S) -> Iterator[subprocess.Popen[str]]:
    """Start a worker process that schedules a message a second, named after it."""
    # the database is only named: nothing asks for it here
    services = {"REDIS_URL": url, "BROKER_URL": "", "DATABASE_URL": "postgresql://127.0.0.1:1/none"}
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings", **services}
    command = [sys.executable, "-c", WORKER, url, str(lock_timeout_s)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
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


def list_senders(url: str) -> list[int]:
    """Return the process id of the sender of each message."""
    with redis.Redis.from_url(url) as client:
        return [int(json.loads(data)["actor_name"].removeprefix("tick_")) for data in client.hvals("voice:ticks.msgs")]


def test_of_two_schedulers_one_sends_and_the_other_takes_over(server):
    with start_worker(server.url) as one, start_worker(server.url) as other, redis.Redis.from_url(server.url) as client:
        wait_until(lambda: len(list_senders(server.url)) >= 3)
        (leader,) = set(list_senders(server.url))
        assert leader in {one.pid, other.pid}
        heir = other.pid if leader == one.pid else one.pid

        os.kill(leader, signal.SIGKILL)
        assert 0 < client.pttl(LOCK_KEY) <= LOCK_TIMEOUT_S * 1000
        client.pexpire(LOCK_KEY, 1)

        wait_until(lambda: heir in list_senders(server.url))


def test_a_scheduler_that_ends_hands_over(server):
    with start_worker(server.url) as first:
        wait_until(lambda: list_senders(server.url))
        with start_worker(server.url) as second:
            first.terminate()
            assert first.wait(TIMEOUT_S) == 0

            wait_until(lambda: second.pid in list_senders(server.url))


def test_a_scheduler_that_was_held_up_does_not_send_beside_its_heir(server):
    with start_worker(server.url, lock_timeout_s=2) as first:
        wait_until(lambda: first.pid in list_senders(server.url))
        with start_worker(server.url) as second:
            first.send_signal(signal.SIGSTOP)
            wait_until(lambda: second.pid in list_senders(server.url))
            before = list_senders(server.url)

            first.send_signal(signal.SIGCONT)
            wait_until(lambda: list_senders(server.url).count(second.pid) >= before.count(second.pid) + 4)

            assert list_senders(server.url).count(first.pid) == before.count(first.pid)
            assert first.poll() is None


def test_it_goes_on_when_redis_was_away(server):
    with start_worker(server.url) as process:
        wait_until(lambda: list_senders(server.url))
        server.kill()
        # long enough to miss a message and a renewal of the lock
        time.sleep(1.5)
        server.start()

        wait_until(lambda: process.pid in list_senders(server.url))

        server.restart()
        wait_until(lambda: process.pid in list_senders(server.url))
        process.terminate()
        assert process.wait(TIMEOUT_S) == 0


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
        wait_until(lambda: ticks)
        worker.stop()
        assert not [thread for thread in threading.enumerate() if thread.name in {"schedule", "APScheduler"}]


def test_what_is_scheduled_purges(transactional_db, alice):
    make_output(alice, expires_at=ago(seconds=1))

    purge_expired()

    assert not Output.objects.exists()
