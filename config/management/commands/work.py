from __future__ import annotations

import logging
import os
from argparse import ArgumentParser
from typing import Any

import structlog
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from config import metrics
from config.exposition import serve_metrics
from config.readiness import tell_ready
from config.supervisor import Supervisor
from config.working import start_worker, wait_for_the_end
from jobs import tracing

log = structlog.get_logger("worker")

STOP_MS = 30_000
# what the items in hand may take after the signal to end; what is not done by then, another worker takes over


class Command(BaseCommand):
    help = "Run worker processes, and start another for each that ends."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--processes", type=int, default=1)
        parser.add_argument("--child", action="store_true", help="be one of the processes")
        parser.add_argument(
            "--number", type=int, default=0, help="which of them, from 0: its metrics are told so many ports beyond METRICS_PORT"
        )

    def handle(self, *_args: Any, processes: int, child: bool, number: int, **_options: Any) -> None:
        if settings.EMBEDDED:
            raise CommandError("Without REDIS_URL the workers run inside `manage.py serve`; set DATABASE_URL and REDIS_URL first.")
        if not child:
            Supervisor(processes).run()
            return
        metrics.begin(metrics.WORKER)
        serve_metrics(number)
        tracing.begin(metrics.WORKER)
        worker = start_worker()
        tell_ready(settings.NOTIFY_SOCKET)
        reason = wait_for_the_end()
        worker.stop(timeout=STOP_MS)
        tracing.end()
        if reason:
            log.warning("the worker goes", reason=reason.name)
            logging.shutdown()
            # at once: what a lost device would do when the process tidies up is anybody's guess
            os._exit(reason)
