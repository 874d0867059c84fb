"""The project's own app: sets the broker before any actor is imported, or Dramatiq would make one of its own."""

from __future__ import annotations

import dramatiq
from django.apps import AppConfig
from django.conf import settings
from django.contrib.admin.apps import AdminConfig
from psycopg_pool.base import AttemptWithBackoff

from config.broker import make_broker


class Config(AppConfig):
    name = "config"

    def ready(self) -> None:
        from jobs.keeper import keeper  # its models must be loaded first

        # a database that was away is looked for every second; the pool's own delays double, and outlast the outage by its length
        AttemptWithBackoff.DELAY_BACKOFF = 1.0
        broker = make_broker(settings.BROKER_URL)
        broker.add_middleware(keeper)
        dramatiq.set_broker(broker)


class DeskConfig(AdminConfig):
    default_site = "config.desk.site.Desk"
