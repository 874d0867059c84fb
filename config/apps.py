"""The project's own app: sets the broker before any actor is imported, or Dramatiq would make one of its own."""

from __future__ import annotations

import dramatiq
from django.apps import AppConfig
from django.conf import settings

from config.broker import make_broker


class Config(AppConfig):
    name = "config"

    def ready(self) -> None:
        from jobs.keeper import keeper  # its models must be loaded first

        broker = make_broker(settings.BROKER_URL)
        broker.add_middleware(keeper)
        dramatiq.set_broker(broker)
