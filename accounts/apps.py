from __future__ import annotations

from django.apps import AppConfig


class Accounts(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        import accounts.schema  # noqa: F401  -- tells drf-spectacular how callers authenticate
