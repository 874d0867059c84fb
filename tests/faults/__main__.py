"""`make faults`: a few thousand items while everything dies once, on real servers. Exit 1 when anything is lost, doubled or left over."""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import redis

from tests.e2e.system import System, running
from tests.faults.breaking import LEASE, Breaking
from tests.faults.workload import Workload
from tests.servers import PostgresServer, RedisServer

TONES = 2000
SPOKEN = 300
BRIEFS = 4
# that the tones come in
BETWEEN = 4.0
# seconds between two faults
BETWEEN_LOOKS = 0.1
QUIET = 300.0
# seconds after the last fault in which all must be over
STREAM_SECONDS = 10
LINGER = 25.0
# seconds after which Redis may hold nothing more of the items, and the pools are back at rest
HEARTBEATS = "voice:__heartbeats__"
# of the workers; one key, as large as there are workers
MOST_CONNECTIONS = 45
# of three processes at rest


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seed", type=int, default=int(time.time()))
    seed = arguments.parse_args().seed
    tell(f"seed {seed}")
    with PostgresServer() as postgres, RedisServer() as redis_server, tempfile.TemporaryDirectory() as folder:
        services = {"DATABASE_URL": postgres.url, "REDIS_URL": redis_server.url}
        options = {"LEASE_SECONDS": str(LEASE), "STREAM_SECONDS": str(STREAM_SECONDS), "MAX_ATTEMPTS": "10", **services}
        with running(Path(folder), server="uvicorn", workers=2, **options) as system:
            return run(system, Breaking(system, postgres, redis_server, seed))


def run(system: System, breaking: Breaking) -> int:
    workload = Workload(system)
    started = time.monotonic()
    over = threading.Event()
    with ThreadPoolExecutor(2) as client:
        submitting = client.submit(submit, workload, started)
        asking = client.submit(ask, workload, over)
        for step in breaking.steps():
            tell(step.__name__.replace("_", " "))
            breaking.run(step)
            time.sleep(BETWEEN)
        submitting.result()
        over.set()
        asking.result()
    jobs = workload.wait(QUIET)
    tell(f"all over after {time.monotonic() - started:.1f} s; {workload.refused} requests had to be sent again")
    for job in jobs:
        tell(f"  {job['name']}: {job['state']} {job['counts']}")
    time.sleep(LINGER)
    problems = workload.wrong() + left_over(system, breaking)
    for problem in problems:
        tell(f"WRONG: {problem}")
    tell(f"faults: {breaking.done}; problems: {len(problems)}")
    return 1 if problems else 0


def submit(workload: Workload, started: float) -> None:
    """One brief after another while things break, as a client that gives none up."""
    workload.submit("spoken", "flite", "slt", [f"This is sentence number {number}." for number in range(SPOKEN)])
    for brief in range(BRIEFS):
        texts = [f"tone {number} of {brief}" for number in range(TONES // BRIEFS)]
        workload.submit(f"tones-{brief}", "tone", "tone", texts)
        time.sleep(BETWEEN)
    tell(f"{TONES + SPOKEN} items accepted after {time.monotonic() - started:.1f} s")


def ask(workload: Workload, over: threading.Event) -> None:
    """Somebody who looks at his jobs all the time."""
    while not over.wait(BETWEEN_LOOKS):
        workload.look()


def left_over(system: System, breaking: Breaking) -> list[str]:
    """Differences between ledger and counters, files and rows; keys that Redis would keep for ever; connections that nobody uses."""
    found = [f"{command} finds a difference" for command in ("audit_usage", "storage_check") if not told_right(system, command)]
    with contextlib.closing(redis.Redis.from_url(breaking.redis_server.url, decode_responses=True)) as client:
        found += [f"Redis keeps {key}" for key in client.scan_iter("*") if client.ttl(key) == -1 and key != HEARTBEATS]
    with psycopg.connect(breaking.postgres.url) as connection:
        row = connection.execute("SELECT count(*), count(*) FILTER (WHERE state LIKE 'idle in%') FROM pg_stat_activity").fetchone()
    assert row is not None
    if row[0] > MOST_CONNECTIONS or row[1]:
        found.append(f"{row[0]} connections to PostgreSQL, {row[1]} of them within a transaction")
    return found


def told_right(system: System, command: str) -> bool:
    try:
        system.run(command)
    except AssertionError as told:
        tell(str(told))
        return False
    return True


def tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
