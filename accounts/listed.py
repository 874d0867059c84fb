"""The admin of rows that the service itself writes: staff look at all of it, and change it through actions only."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.paginator import InfinitePaginator

from accounts.models import User

MOST_OWNERS = 100
# whose names begin with what is searched for


class NoYears(ModelAdmin):
    compressed_fields = True
    warn_unsaved_form = True
    # pages without a last one: nobody counts a million rows to look at a hundred
    paginator = InfinitePaginator
    show_full_result_count = False
    list_disable_select_all = True

    class Media:
        css = {"all": ["desk/rows.css"]}

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Not by `__year`, which no list here links to and which raises for a year that is none."""
        return not lookup.endswith("__year") and super().lookup_allowed(lookup, value, request)


class Listed(NoYears):
    shown: tuple[str, ...] = ()
    # what a row's page shows beside its fields
    found_by: tuple[str, ...] = ()
    # fields with an index of which each names one row or few: a search looks for the whole of what was typed
    found_by_owner = "owner"
    # or for those whose owner's name begins so; empty: none have one

    def get_search_results(self, request: HttpRequest, rows: QuerySet[Any], term: str) -> tuple[QuerySet[Any], bool]:
        """What an index finds: of a million rows nobody reads all for a piece of a word."""
        wanted = term.strip()
        if not self.found_by or not wanted:
            return super().get_search_results(request, rows, term)
        for field in self.found_by:
            found = rows.filter(**{field: wanted})
            if found.exists():
                return found, False
        if not self.found_by_owner:
            return rows.none(), False
        owners = list(User.objects.filter(username__istartswith=wanted).values_list("pk", flat=True)[:MOST_OWNERS])
        return rows.filter(**{f"{self.found_by_owner}__in": owners}), False

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
