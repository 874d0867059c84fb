from __future__ import annotations

from django.apps import AppConfig


class Voice(AppConfig):
    name = "voice"

    def ready(self) -> None:
        import voice.gauges
        import voice.schedule  # noqa: F401  -- declares its actors to the broker, which is set by now
