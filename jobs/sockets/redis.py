"""The sockets of any number of processes: one sorted set an owner, each socket with the moment at which it is taken for gone."""

from __future__ import annotations

import threading
import time

import redis
import structlog
from redis.backoff import NoBackoff
from redis.retry import Retry

from jobs.sockets.memory import MemorySockets

log = structlog.get_logger("sockets")

PREFIX = "voice:sockets:"
TIMEOUT = 2.0
# seconds for a connect and for a command
RENEWALS = 3
# in the time that a socket is remembered

# Redis's own clock, for those of the machines may differ
CLOCK = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
"""
# a socket that is there already is one whose first answer was lost
ADD = f"""{CLOCK}
local key, socket, most, lifetime = KEYS[1], ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
if not redis.call('ZSCORE', key, socket) and redis.call('ZCARD', key) >= most then
    return 0
end
redis.call('ZADD', key, now + lifetime, socket)
redis.call('PEXPIRE', key, lifetime)
return 1
"""
# also those that Redis has lost
RENEW = f"""{CLOCK}
local key, lifetime = KEYS[1], tonumber(ARGV[1])
for place = 2, #ARGV do
    redis.call('ZADD', key, now + lifetime, ARGV[place])
end
redis.call('PEXPIRE', key, lifetime)
"""


class RedisSockets:
    """`Sockets` for any number of processes. One that was not heard of for `lifetime` seconds is not counted.

    While Redis is away each process counts its own: a client is better served than refused for what nobody can know.
    """

    def __init__(self, url: str, lifetime: float) -> None:
        self._lifetime = lifetime
        self._lifetime_ms = int(lifetime * 1000)
        # one more try, at once: a connection that lay idle while Redis was restarted is only found dead when used
        once_more = Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,))
        self._client = redis.Redis.from_url(url, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT, retry=once_more)
        self._add = self._client.register_script(ADD)
        self._renew = self._client.register_script(RENEW)
        self._own = MemorySockets()
        self._lock = threading.Lock()
        self._keeper: threading.Thread | None = None

    def add(self, owner: str, socket: str, *, most: int) -> bool:
        try:
            if not self._add(keys=[PREFIX + owner], args=[socket, most, self._lifetime_ms]):
                return False
        except redis.RedisError as error:
            log.warning("sockets of this process counted only", reason=repr(error))
        # only now: what is not admitted yet must not be renewed, and so brought in
        if not self._own.add(owner, socket, most=most):
            self.remove(owner, socket)
            return False
        with self._lock:
            if self._keeper is None:
                self._keeper = threading.Thread(target=self._keep, name="sockets", daemon=True)
                self._keeper.start()
        return True

    def remove(self, owner: str, socket: str) -> None:
        self._own.remove(owner, socket)
        try:
            self._client.zrem(PREFIX + owner, socket)
        except redis.RedisError as error:
            # it is forgotten all the same, as it is renewed no more
            log.warning("socket not removed", reason=repr(error))

    def _keep(self) -> None:
        """Renew what this process has open, until it is nothing."""
        while True:
            time.sleep(self._lifetime / RENEWALS)
            with self._lock:
                held = self._own.held()
                if not held:
                    self._keeper = None
                    return
            try:
                self._renew_all(held)
            except redis.RedisError as error:
                log.warning("sockets not renewed", reason=repr(error))

    def _renew_all(self, held: dict[str, list[str]]) -> None:
        with self._client.pipeline(transaction=False) as pipeline:
            for owner, sockets in held.items():
                self._renew(keys=[PREFIX + owner], args=[self._lifetime_ms, *sockets], client=pipeline)
            pipeline.execute()
            # closed in between, and brought back by the renewal
            still = self._own.held()
            for owner, sockets in held.items():
                if closed := set(sockets) - set(still.get(owner, [])):
                    pipeline.zrem(PREFIX + owner, *closed)
            pipeline.execute()
