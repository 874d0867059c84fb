"""The admin of rows that the service itself writes: staff look at all of it, and change it through actions only."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from unfold.admin import ModelAdmin


class NoYears(ModelAdmin):
    compressed_fields = True
    warn_unsaved_form = True

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Not by `__year`, which no list here links to and which raises for a year that is none."""
        return not lookup.endswith("__year") and super().lookup_allowed(lookup, value, request)


class Listed(NoYears):
    show_full_result_count = False
    shown: tuple[str, ...] = ()
    # what a row's page shows beside its fields

    def has_add_permission(self, _request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        return False

    def get_fields(self, _request: HttpRequest, _obj: Any = None) -> list[Any]:
        """Every field, those included that no form could hold."""
        hidden = self.exclude or ()
        return [*self.shown, *(field.name for field in self.model._meta.fields if field.name not in hidden)]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return self.get_fields(request, obj)
