from __future__ import annotations

from django.apps import AppConfig


class Voice(AppConfig):
    name = "voice"

    def ready(self) -> None:
        # what is counted for limits; a deed for errands; actors for the broker, which is set by now
        from voice import gauges, respeaking, schedule  # noqa: F401
