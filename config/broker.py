"""The broker of messages and its middleware. A message is a doorbell: the database knows what is to be done, the message only says now."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import redis
import structlog
from django.conf import settings
from django.db import close_old_connections, connections
from dramatiq import Broker, Message, MessageProxy, Middleware, Worker
from dramatiq.brokers.redis import RedisBroker, _RedisConsumer
from dramatiq.brokers.stub import StubBroker
from dramatiq.errors import ConnectionClosed, DecodeError
from dramatiq.middleware import TimeLimit
from dramatiq.worker import WorkerThread
from redis.backoff import NoBackoff
from redis.retry import Retry

log = structlog.get_logger("broker")

NAMESPACE = "voice"
BATCH = "batch"
# how the names of the queues end that are served last
BLOCK = 1.0
# seconds that a consumer waits for a message at most: heartbeats and the rescue of dead workers' messages go on, a stop is quick
SOCKET_TIMEOUT = 3.0
# seconds; above BLOCK, or every wait would end as an error
HEARTBEAT_TIMEOUT = 10_000
# milliseconds of silence after which a worker is dead; below 2,000 a busy one is taken for dead
EVERY_TIME = 1_000_000
# a chance, in millionths: Dramatiq's own, a thousandth, was measured not to bring back a dead worker's message within 580 s
DEAD_LETTERS_FOR = 86_400_000
# milliseconds, a day; nothing reads them but an operator
DEAD_LETTERS_KEPT = 20
# of a queue in memory, whose messages hold their exceptions and so their frames
GRACE = timedelta(seconds=5)
# an item ends its work itself when its time is over; what is interrupted from outside ignored that


@contextmanager
def _closed_when_lost() -> Iterator[None]:
    """Dramatiq's loops go on after ConnectionClosed only. They know redis-py's ConnectionError, but not its TimeoutError."""
    try:
        yield
    except (redis.ConnectionError, redis.TimeoutError) as error:
        raise ConnectionClosed(error) from None  # type: ignore[no-untyped-call]


class Places:
    """The threads of a worker that have nothing to do, shared by its consumers.

    Dramatiq counts what is prefetched per queue, so that a worker busy with long items of one queue would take, and sit on, items
    of the other while another worker is idle. Here nothing is fetched without a thread to run it.
    """

    def __init__(self, *, reserved: int = 0) -> None:
        self._size = 0
        self._reserved = reserved
        # places that only the urgent take, as far as there are others
        self._taken = 0
        self._unhurried = 0
        # of those taken, by what is not urgent
        self._urgent = 0
        # consumers of the urgent queue that wait
        self._changed = threading.Condition()

    def resize(self, size: int) -> None:
        with self._changed:
            self._size = size
            self._changed.notify_all()

    def take(self, *, urgent: bool, wait: float) -> int:
        """All that are free; 0 when none was within `wait` seconds. The urgent are asked first."""
        with self._changed:
            self._urgent += urgent
            free = self._changed.wait_for(lambda: self._free(urgent=urgent) > 0 and (urgent or not self._urgent), wait)
            self._urgent -= urgent
            count = self._free(urgent=urgent) if free else 0
            self._taken += count
            self._unhurried += 0 if urgent else count
            return count

    def _free(self, *, urgent: bool) -> int:
        free = self._size - self._taken
        return free if urgent else min(free, self._size - min(self._reserved, self._size - 1) - self._unhurried)

    def give(self, count: int = 1, *, urgent: bool) -> None:
        with self._changed:
            self._taken -= count
            self._unhurried -= 0 if urgent else count
            self._changed.notify_all()


class BlockingConsumer(_RedisConsumer):
    """Dramatiq's consumer, but an idle one blocks in Redis instead of polling ever more seldom: a message arrives in a millisecond.

    It blocks in `BLMOVE queue queue LEFT LEFT`, which waits until the queue has an entry and then puts its head back where it was.
    Redis serves everyone who waits so, whoever made the entry (a sender, a worker that stops, the rescue of a dead worker's): no
    token can be lost, trimmed or left over. What it costs is that every idle worker looks when a message comes.
    """

    def __init__(self, broker: BlockingRedisBroker, queue_name: str, prefetch: int, timeout: int) -> None:
        super().__init__(broker, queue_name, prefetch, timeout)  # type: ignore[no-untyped-call]
        # messages for later occupy no thread
        self.places = Places() if queue_name in broker.delay_queues else broker.places
        self.places.resize(prefetch)
        self._urgent = not queue_name.endswith(BATCH)
        self._key = f"{broker.namespace}:{queue_name}"
        self._wait = min(timeout / 1000, BLOCK)

    def __next__(self) -> MessageProxy | None:
        with _closed_when_lost():
            if not self.message_cache:
                self._fetch()
            while self.message_cache:
                if message := self._decoded(self.message_cache.pop(0)):
                    return message
        return None

    def _fetch(self) -> None:
        free = self.places.take(urgent=self._urgent, wait=self._wait)
        try:
            # also with nothing free: a fetch of 0 messages is the heartbeat, without which ours would be given to another
            self.message_cache = self.broker.do_fetch(self.queue_name, free)
        finally:
            self.places.give(free - len(self.message_cache), urgent=self._urgent)
        if free and not self.message_cache:
            self.broker.client.blmove(self._key, self._key, self._wait, "LEFT", "LEFT")

    def _decoded(self, data: bytes | None) -> MessageProxy | None:
        """The message; None for what is none, which would otherwise end this consumer and strand what was fetched with it."""
        try:
            message = MessageProxy(Message.decode(data or b""))
            message.options["redis_message_id"]
        except (DecodeError, KeyError, TypeError):
            log.error("not a message", queue=self.queue_name, data=repr(data))
            self.places.give(urgent=self._urgent)
            self._bury(data)
            return None
        self.queued_message_ids.add(message.message_id)
        return message

    def _bury(self, data: bytes | None) -> None:
        """Move it to the dead letters. A fetch tells the bodies only, so the id is looked for among the few that we hold."""
        for identity in self.broker.client.smembers(f"{self.broker.namespace}:__acks__.{self.broker.broker_id}.{self.queue_name}"):
            if self.broker.client.hget(f"{self._key}.msgs", identity) == data:
                self.broker.do_nack(self.queue_name, identity)

    def ack(self, message: MessageProxy) -> None:
        self._settle(super().ack, message)

    def nack(self, message: MessageProxy) -> None:
        self._settle(super().nack, message)

    def _settle(self, settle: Callable[[MessageProxy], None], message: MessageProxy) -> None:
        try:
            with _closed_when_lost():
                settle(message)
        except ConnectionClosed:
            raise  # Dramatiq comes again with it, and its thread is not free before
        except redis.RedisError:
            self.places.give(urgent=self._urgent)
            raise
        self.places.give(urgent=self._urgent)

    def requeue(self, messages: Iterable[MessageProxy]) -> None:
        messages = list(messages)
        self.places.give(len(messages), urgent=self._urgent)
        with _closed_when_lost():
            super().requeue(messages)  # type: ignore[no-untyped-call]

    def close(self) -> None:
        """What was fetched and not handed out goes back; Dramatiq's own would leave it until this process is dead."""
        fetched, self.message_cache = self.message_cache, []
        with _closed_when_lost():
            self.requeue([message for data in fetched if (message := self._decoded(data))])


class BlockingRedisBroker(RedisBroker):
    """Dramatiq's Redis broker with the consumer above. Needs Redis 6.2, of its own in production: `noeviction`, AOF.

    `enqueue` raises ConnectionClosed when Redis is away and redis.ResponseError when it is full.
    """

    def __init__(self, url: str, *, middleware: list[Middleware]) -> None:
        # one more try, at once: a connection that lay idle while Redis was restarted is only found dead when used
        once_more = Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,))
        super().__init__(  # type: ignore[no-untyped-call]
            client=redis.Redis.from_url(url, socket_timeout=SOCKET_TIMEOUT, socket_connect_timeout=SOCKET_TIMEOUT, retry=once_more),
            middleware=middleware,
            namespace=NAMESPACE,
            maintenance_chance=EVERY_TIME,
            heartbeat_timeout=HEARTBEAT_TIMEOUT,
            dead_message_ttl=DEAD_LETTERS_FOR,
        )
        self.places = Places(reserved=settings.LIVE_THREADS)

    @property
    def consumer_class(self) -> type[BlockingConsumer]:
        return BlockingConsumer

    def enqueue(self, message: Message[Any], *, delay: int | None = None) -> Message[Any]:
        with _closed_when_lost():
            return super().enqueue(message, delay=delay)


class LogContext(Middleware):
    """What every line of an actor's log says: which item, which actor, which message."""

    def before_process_message(self, broker: Broker, message: MessageProxy) -> None:
        item = {"item_id": message.args[0]} if message.args else {}
        structlog.contextvars.bind_contextvars(actor=message.actor_name, message_id=message.message_id, **item)

    def after_process_message(self, broker: Broker, message: MessageProxy, **outcome: Any) -> None:
        structlog.contextvars.clear_contextvars()

    def after_skip_message(self, broker: Broker, message: MessageProxy) -> None:
        structlog.contextvars.clear_contextvars()


class DatabaseConnections(Middleware):
    """What Django does around a request, around a message: a connection that broke or is too old is not used again."""

    def before_process_message(self, broker: Broker, message: MessageProxy) -> None:
        close_old_connections()

    def after_process_message(self, broker: Broker, message: MessageProxy, **outcome: Any) -> None:
        close_old_connections()

    def after_skip_message(self, broker: Broker, message: MessageProxy) -> None:
        close_old_connections()

    def before_worker_thread_shutdown(self, broker: Broker, thread: WorkerThread) -> None:
        connections.close_all()


class Prefetch(Middleware):
    """As many messages as there are threads. What is being worked on counts, so nothing lies here while another worker is idle."""

    def before_worker_boot(self, broker: Broker, worker: Worker) -> None:
        worker.queue_prefetch = worker.delay_prefetch = worker.worker_threads

    def before_worker_shutdown(self, broker: Broker, worker: Worker) -> None:
        """Take nothing more: threads end first and consumers live on for their heartbeat, fetching what nobody would run."""
        if isinstance(broker, BlockingRedisBroker):
            broker.places.resize(0)


class Deadline(TimeLimit):
    """Dramatiq's, started with the worker: its own start is the boot of a process that only Dramatiq's command line announces."""

    def after_process_boot(self, broker: Broker) -> None:
        pass

    def before_worker_boot(self, broker: Broker, worker: Worker) -> None:
        if isinstance(self.manager, threading.Thread) and not self.manager.is_alive():
            self.manager.start()


class FewDeadLetters(Middleware):
    """The in-process broker keeps dead letters for ever, for tests to look at."""

    def after_nack(self, broker: Broker, message: MessageProxy) -> None:
        if isinstance(broker, StubBroker):
            del broker.dead_letters_by_queue[message.queue_name][:-DEAD_LETTERS_KEPT]


def make_broker(url: str) -> Broker:
    """The broker at a Redis URL, or one within this process for "".

    Of Dramatiq's default middleware only the time limit is left. Retries are decided in the database (a message with a delay was
    measured to be lost in an outage), so is age; results, callbacks and pipelines would be a second truth beside it. Without Retries
    a message whose actor raised is acknowledged like any other.
    """
    limit = (settings.ITEM_TIME_LIMIT + GRACE) / timedelta(milliseconds=1)
    # the last is the innermost: the clock stops before the others tidy up
    middleware = [LogContext(), DatabaseConnections(), Prefetch(), FewDeadLetters(), Deadline(time_limit=limit)]
    return BlockingRedisBroker(url, middleware=middleware) if url else StubBroker(middleware=middleware)
