"""What is done to a running system: each step breaks one part, and mends it."""

from __future__ import annotations

import contextlib
import random
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import redis

from tests.e2e.system import System
from tests.servers import PostgresServer, RedisServer

LEASE = 3.0
# seconds, as the system is told
STORAGE_AWAY = 4.0
# seconds without a storage
SERVER_AWAY = 2.0


class Breaking:
    """Breaks things in an order that a seed decides, and counts what it did."""

    def __init__(self, system: System, postgres: PostgresServer, redis_server: RedisServer, seed: int) -> None:
        self.system, self.postgres, self.redis_server = system, postgres, redis_server
        self.chance = random.Random(seed)
        self.done: dict[str, int] = {}

    def steps(self) -> list[Callable[[], None]]:
        """Every kind of fault once, the commonest several times."""
        steps = [self.kill_a_worker] * 4 + [self.stop_a_worker_past_its_lease] * 2 + [self.flush_redis] * 2
        steps += [self.restart_redis, self.restart_postgres, self.kill_the_web, self.take_the_storage_away]
        self.chance.shuffle(steps)
        return steps

    def run(self, step: Callable[[], None]) -> None:
        step()
        self.done[step.__name__] = self.done.get(step.__name__, 0) + 1

    def kill_a_worker(self) -> None:
        worker = self._worker()
        worker.kill()
        worker.wait()
        self.system.workers.remove(worker)
        self.system.add_worker()

    def stop_a_worker_past_its_lease(self) -> None:
        worker = self._worker()
        worker.send_signal(signal.SIGSTOP)
        time.sleep(LEASE + 2)
        worker.send_signal(signal.SIGCONT)

    def flush_redis(self) -> None:
        with contextlib.closing(redis.Redis.from_url(self.redis_server.url)) as client:
            client.flushall()

    def restart_redis(self) -> None:
        """It keeps nothing on a disk: what it had is lost."""
        self.redis_server.kill()
        time.sleep(SERVER_AWAY)
        self.redis_server.restart()

    def restart_postgres(self) -> None:
        self.postgres.kill()
        time.sleep(SERVER_AWAY)
        self.postgres.restart()

    def kill_the_web(self) -> None:
        self.system.web.kill()
        self.system.web.wait()
        self.system.web = self.system.spawn("serve", "--port", str(self.system.port), "--server", self.system.server)

    def take_the_storage_away(self) -> None:
        """Its folder is a file for a while: whatever is written or read there is refused."""
        folder = Path(self.system.folder) / "outputs"
        aside = folder.with_name("outputs aside")
        folder.rename(aside)
        folder.write_text("no folder")
        time.sleep(STORAGE_AWAY)
        folder.unlink()
        aside.rename(folder)

    def _worker(self) -> subprocess.Popen[bytes]:
        return self.chance.choice([worker for worker in self.system.workers if worker.poll() is None])
