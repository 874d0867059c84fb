"""Filters of the admin's lists that ask the database for nothing: Django's own look through all rows for the values that there are."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest


def one_of(field: str, values: Callable[[], Iterable[str]]) -> type[admin.SimpleListFilter]:
    """A filter by the values that a field is known to have, read when a list is shown."""

    class OneOf(admin.SimpleListFilter):
        title = field.replace("_", " ")
        parameter_name = field

        def lookups(self, _request: HttpRequest, _desk: Any) -> list[tuple[str, str]]:
            return [(value, value) for value in values()]

        def queryset(self, _request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
            return rows if self.value() is None else rows.filter(**{field: self.value()})

    return OneOf
