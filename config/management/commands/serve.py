from __future__ import annotations

import gc
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from accounts.runtime import runtime
from config import metrics
from config.readiness import tell_ready
from config.servers import SERVERS
from config.working import start_worker
from jobs import tracing

STOP_MS = 10_000
# what the workers may take to end what they have begun; the sweep of the next start finds the rest


class Command(BaseCommand):
    help = "Serve HTTP; in the embedded shape the workers too, in the same process."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--server", choices=sorted(SERVERS), default="daphne")

    def handle(self, *_args: Any, host: str, port: int, server: str, **_options: Any) -> None:
        from config.asgi import application

        runtime.start()
        metrics.begin(metrics.BOTH if settings.EMBEDDED else metrics.WEB)
        tracing.begin(metrics.BOTH if settings.EMBEDDED else metrics.WEB)
        worker = start_worker() if settings.EMBEDDED else None

        def ready() -> None:
            # what there is by now stays: to look through it for garbage held every socket up for 100 ms and more (measured)
            gc.collect()
            gc.freeze()
            self.stdout.write(f"Serving http://{host}:{port}")
            self.stdout.flush()
            tell_ready(settings.NOTIFY_SOCKET)

        try:
            SERVERS[server](application, host=host, port=port, ready=ready)
        finally:
            if worker is not None:
                worker.stop(timeout=STOP_MS)
            tracing.end()
