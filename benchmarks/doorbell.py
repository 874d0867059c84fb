"""Queue overhead: from `send` to the actor's first line, on a worker that has nothing to do, and what that worker costs meanwhile."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import django
from django.core.management import call_command

from benchmarks.figures import line, processor_time

ROUNDS = 200
PAUSE = 0.15
# seconds between two messages: the worker is idle again
IDLE = 20
# seconds over which the idle worker's processor time is taken
RESULTS = "bench:heard"


def report(_folder: Path, postgres_url: str, redis_url: str) -> None:
    os.environ |= {
        "REDIS_URL": redis_url,
        "DATABASE_URL": postgres_url,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "LOG_LEVEL": "WARNING",
    }
    django.setup()
    call_command("migrate", verbosity=0)
    import redis

    ring = declare()
    client = redis.Redis.from_url(redis_url)
    worker = subprocess.Popen([sys.executable, "-m", "benchmarks.doorbell"])
    try:
        ring.send(time.monotonic())
        client.blpop([RESULTS], timeout=30)
        taken = []
        for _ in range(ROUNDS):
            time.sleep(PAUSE)
            ring.send(time.monotonic())
            answer = client.blpop([RESULTS], timeout=10)
            assert answer is not None, "the worker is gone"
            taken.append(float(answer[1]))
        before = processor_time(worker.pid)
        time.sleep(IDLE)
        share = (processor_time(worker.pid) - before) / IDLE
    finally:
        worker.terminate()
        worker.wait()
    print("Queue (Redis), idle worker with two queues:")
    line("send to the actor's first line", taken)
    print(f"  processor of the idle worker: {share:.2%} of one core over {IDLE} s")


def declare():
    """The actor, on whatever broker the process has."""
    import dramatiq

    @dramatiq.actor(queue_name="live", actor_name="bench_ring")
    def ring(sent: float) -> None:
        heard = time.monotonic() - sent
        _client().rpush(RESULTS, heard)

    return ring


def _client():
    import redis

    return redis.Redis.from_url(os.environ["REDIS_URL"])


def _work() -> None:
    django.setup()
    import dramatiq

    from config.working import wait_for_the_end

    declare()
    worker = dramatiq.Worker(dramatiq.get_broker(), queues={"live", "batch"}, worker_threads=2, worker_timeout=1000)
    worker.start()
    wait_for_the_end()
    worker.stop(timeout=2000)


if __name__ == "__main__":
    _work()
