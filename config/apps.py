"""The project's own app: sets the broker before any actor is imported, or Dramatiq would make one of its own."""

from __future__ import annotations

import dramatiq
from django.apps import AppConfig, apps
from django.conf import settings
from django.contrib.admin.apps import AdminConfig
from django.db.models.signals import post_migrate
from psycopg_pool.base import AttemptWithBackoff

from config.broker import make_broker


class Config(AppConfig):
    name = "config"

    def ready(self) -> None:
        from config.roles import write_roles
        from jobs.keeper import keeper  # its models must be loaded first

        # a database that was away is looked for every second; the pool's own delays double, and outlast the outage by its length
        AttemptWithBackoff.DELAY_BACKOFF = 1.0
        broker = make_broker(settings.BROKER_URL)
        broker.add_middleware(keeper)
        dramatiq.set_broker(broker)
        # after the last app, whose permissions are there by then
        post_migrate.connect(write_roles, sender=apps.get_app_config("voice"), dispatch_uid="roles")


class DeskConfig(AdminConfig):
    default_site = "config.desk.site.Desk"
