from __future__ import annotations

from django.apps import AppConfig


class Jobs(AppConfig):
    name = "jobs"
