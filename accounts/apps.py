from __future__ import annotations

from django.apps import AppConfig


class Accounts(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        from accounts import audit, schema  # noqa: F401  -- one notes sign-ins to the admin, one tells drf-spectacular how callers authenticate
