from __future__ import annotations

import dramatiq
from django.apps import AppConfig


class Jobs(AppConfig):
    name = "jobs"

    def ready(self) -> None:
        # declares the actors to the broker, which is set by now
        from jobs import gauges  # noqa: F401  -- says what is counted for limits
        from jobs.schedule import schedule

        dramatiq.get_broker().add_middleware(schedule)
