"""What lists of jobs and items are narrowed by: choices that are known, for to look them up would read every row."""

from __future__ import annotations

from typing import Any

import dramatiq
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from jobs.explanations import MEANINGS

KINDS = ("speech", "transcription", "conversion", "intake")


class Known(admin.SimpleListFilter):
    """One field, exactly."""

    field = ""

    def queryset(self, _request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.filter(**{self.field: self.value()}) if self.value() else rows


class Kind(Known):
    title = field = parameter_name = "kind"

    def lookups(self, _request: HttpRequest, _desk: Any) -> list[tuple[str, str]]:
        return [(kind, kind) for kind in KINDS]


class Actor(Known):
    title = field = parameter_name = "actor"

    def lookups(self, _request: HttpRequest, _desk: Any) -> list[tuple[str, str]]:
        return [
            (actor.actor_name, actor.actor_name)
            for actor in dramatiq.get_broker().actors.values()
            if "item_id" in actor.fn.__code__.co_varnames
        ]


class Reason(Known):
    title = "reason of failure"
    field = parameter_name = "error_code"

    def lookups(self, _request: HttpRequest, _desk: Any) -> list[tuple[str, str]]:
        return [(code, code) for code in MEANINGS]
