from __future__ import annotations

from django.apps import AppConfig


class Voice(AppConfig):
    name = "voice"

    def ready(self) -> None:
        import voice.actors  # noqa: F401  -- declares them to the broker, which is set by now
