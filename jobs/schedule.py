"""What is done at set times. One worker process at a time sends it, the one that holds the lock of dramatiq-crontab; any worker does it.

The package's own process is not used: here every worker is ready to take over, and there is nothing more to start.
"""

from __future__ import annotations

import threading
import time
from typing import Any

import dramatiq
import structlog
from apscheduler.job import Job
from apscheduler.schedulers.background import BackgroundScheduler
from django.utils import timezone
from dramatiq.errors import DramatiqError
from dramatiq_crontab import cron, interval, scheduler, utils
from dramatiq_crontab.conf import get_settings
from redis.exceptions import RedisError

from jobs.actors import resume_errands, send_due_webhooks
from jobs.purging import purge

log = structlog.get_logger("schedule")

LOOK_EVERY = 2.0
# seconds between two tries for the lock
LAST_PATIENCE = 5.0
# seconds that the thread has to end


@dramatiq.actor(queue_name="batch", priority=20)
def purge_expired() -> None:
    purge()


# whatever is sent at set times stands here, one line each
cron("*/5 * * * *")(purge_expired)
interval(seconds=5)(send_due_webhooks)
interval(seconds=30)(resume_errands)


class Schedule(dramatiq.Middleware):
    """Starts with a worker and ends with it."""

    def __init__(self) -> None:
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        self._ours_until = 0.0
        # by the monotonic clock; after that the lock may be another's

    def after_worker_boot(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        self._over.clear()
        self._thread = threading.Thread(target=self._run, name="schedule", daemon=True)
        self._thread.start()

    def before_worker_shutdown(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join(LAST_PATIENCE)

    def _run(self) -> None:
        while not self._over.is_set():
            try:
                with utils.lock as lock:
                    self._lead(lock)
            except utils.LockError:
                # another's
                pass
            except RedisError as error:
                log.warning("lock not reached", reason=repr(error))
            except Exception as error:  # whatever it meets must not end the thread
                log.error("unexpected", exc_info=error)
            self._over.wait(LOOK_EVERY)

    def _lead(self, lock: Any) -> None:
        """Send what is due until the worker ends. LockError when the lock is lost, RedisError when that can't be known."""
        self._extend(lock)
        # the package's own scheduler only lists what there is: one that was stopped can't be started again
        term = BackgroundScheduler(timezone=timezone.get_default_timezone())
        for job in scheduler.get_jobs():
            term.add_job(self._send, job.trigger, args=[job], name=job.name)
        term.start()
        log.info("leads", jobs=[job.name for job in scheduler.get_jobs()])
        try:
            while not self._over.wait(get_settings().LOCK_REFRESH_INTERVAL):
                self._extend(lock)
        finally:
            term.shutdown()

    def _extend(self, lock: Any) -> None:
        asked = time.monotonic()
        lock.extend(get_settings().LOCK_TIMEOUT, True)
        self._ours_until = asked + get_settings().LOCK_TIMEOUT

    def _send(self, job: Job) -> None:
        if time.monotonic() > self._ours_until:
            # this process was held up for so long that another may have sent it
            log.warning("not sent", name=job.name)
            return
        try:
            job.func(*job.args, **job.kwargs)
        except (DramatiqError, RedisError) as error:
            log.warning("not sent", name=job.name, reason=repr(error))


schedule = Schedule()
