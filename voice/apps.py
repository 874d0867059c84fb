from __future__ import annotations

from django.apps import AppConfig


class Voice(AppConfig):
    name = "voice"

    def ready(self) -> None:
        from voice import respeaking, schedule  # noqa: F401  -- a deed for errands; actors for the broker, which is set by now
