"""Streams in Redis: one Redis Stream per key, bounded in bytes by a script, read with a blocking XREAD."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import redis
import redis.asyncio
import structlog
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

from config.errors import Unavailable
from jobs.streams.base import Entry, Kind

log = structlog.get_logger("streams")

PREFIX = "voice:stream:"
BATCH = 64
# entries taken with one XREAD
START_OF_STREAM = b"0-0"
TIMEOUT = 2.0
# seconds for a connect, and for a command beyond the time it may block
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 1.0
# seconds between two attempts at a Redis that is away

# Fields by position: 2 kind, 4 attempt, 6 offset, 8 bytes ever added up to here, 10 newest attempt up to here, 12 data.
# The running totals travel in the entries, so that the last entry knows what the stream holds and no second key can be lost.
APPEND = """
local key, kind, attempt, offset, data = KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local bound, lifetime = tonumber(ARGV[5]), ARGV[6]
local total, newest = 0, tonumber(attempt)
local last = redis.call('XREVRANGE', key, '+', '-', 'COUNT', 1)[1]
if last then
    local field = last[2]
    -- the answer to the first try was lost and the client sent it again
    if field[2] == kind and field[4] == attempt and field[6] == offset and field[12] == data then
        return last[1]
    end
    total, newest = tonumber(field[8]), math.max(newest, tonumber(field[10]))
end
total = total + #data
local id = redis.call('XADD', key, '*', 'k', kind, 'a', attempt, 'o', offset,
    't', string.format('%d', total), 'n', string.format('%d', newest), 'd', data)
redis.call('PEXPIRE', key, lifetime)
local from = '-'
while total > bound do
    local entry = redis.call('XRANGE', key, from, '+', 'COUNT', 1)[1]
    if entry[1] == id then
        break
    end
    local field = entry[2]
    if tonumber(field[8]) - #field[12] >= total - bound then
        break
    end
    if field[2] == 'data' or tonumber(field[4]) < newest then
        redis.call('XDEL', key, entry[1])
    end
    from = '(' .. entry[1]
end
return id
"""


class RedisStreams:
    """`Streams` for any number of processes. Needs Redis 6.2.

    `max_bytes` bounds the data of one stream; a stream is forgotten `lifetime` seconds after its last entry.
    """

    def __init__(self, url: str, max_bytes: int, lifetime: float) -> None:
        self._url = url
        self._max_bytes = max_bytes
        self._lifetime_ms = int(lifetime * 1000)
        # one more try, at once: a connection that lay idle while Redis was restarted is only found dead when used
        once_more = Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,))
        self._client = redis.Redis.from_url(url, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT, retry=once_more)
        self._append = self._client.register_script(APPEND)

    def append(self, key: str, entry: Entry) -> None:
        arguments = [entry.kind.value, entry.attempt, entry.offset, entry.data, self._max_bytes, self._lifetime_ms]
        try:
            self._append(keys=[PREFIX + key], args=arguments)
        except redis.RedisError as error:
            raise Unavailable from error

    async def read(self, key: str, *, wait: float) -> AsyncGenerator[Entry | None, None]:
        """As the protocol says. While Redis is away it yields None, ever more seldom, and goes on where it was once Redis is back."""
        name = PREFIX + key
        place, pause = START_OF_STREAM, FIRST_PAUSE
        async with self._reader() as client:
            while True:
                try:
                    async with asyncio.timeout(wait + 2 * TIMEOUT):
                        batch = await _next(client, name, place, wait)
                        if not batch:
                            place = await _still_there(client, name, place)
                except (redis.RedisError, TimeoutError) as error:
                    log.warning("stream away", reason=repr(error))
                    await asyncio.sleep(pause)
                    once = pause == FIRST_PAUSE
                    pause = min(2 * pause, LONGEST_PAUSE)
                    if not once:
                        # once may be a busy process that took too long to connect: that says nothing of the stream
                        yield None
                    continue
                pause = FIRST_PAUSE
                for identity, fields in batch:
                    place = identity
                    yield _entry(fields)
                if not batch:
                    yield None

    def drop(self, key: str) -> None:
        """Unavailable when Redis is away."""
        try:
            self._client.delete(PREFIX + key)
        except redis.RedisError as error:
            raise Unavailable from error

    def _reader(self) -> redis.asyncio.Redis:
        """A client with a connection of its own, gone when the reader is.

        A blocked XREAD holds a connection anyway. A shared pool would belong to one event loop, keep the sockets of its busiest
        moment for ever and refuse the 101st reader; a connection costs half a millisecond (RESP 2 has no greeting) while the item
        is on its way to a worker.

        Without a timeout of its own: for that it sends by `asyncio.wait_for`, which until Python 3.12 swallows a cancellation that comes
        while it ends, and whoever had left would be read for to the end.
        """
        return redis.asyncio.Redis.from_url(
            self._url,
            protocol=2,
            driver_info=None,
            socket_timeout=None,
            socket_connect_timeout=TIMEOUT,
            retry=AsyncRetry(NoBackoff(), 0),
        )


async def _next(client: redis.asyncio.Redis, name: str, place: bytes, wait: float) -> list[tuple[bytes, dict[bytes, bytes]]]:
    # BLOCK 0 would be for ever
    reply: Any = await client.xread({name: place}, count=BATCH, block=max(1, int(wait * 1000)))
    return reply[0][1] if reply else []


async def _still_there(client: redis.asyncio.Redis, name: str, place: bytes) -> bytes:
    """Where to go on after a silence: the start, when the stream is not the one that was read.

    Ids are the server's clock. After a flush or a fail-over with a clock that is behind, the new stream's ids lie before `place`,
    and XREAD would wait past all of them.
    """
    newest: Any = await client.xrevrange(name, count=1)
    return place if newest and _order(newest[0][0]) >= _order(place) else START_OF_STREAM


def _order(identity: bytes) -> tuple[int, int]:
    milliseconds, _, number = identity.partition(b"-")
    return int(milliseconds), int(number)


def _entry(fields: dict[bytes, bytes]) -> Entry:
    return Entry(Kind(fields[b"k"].decode()), int(fields[b"a"]), int(fields[b"o"]), fields[b"d"])
