"""The admin of rows that the service itself writes: staff look at all of it, and change it through actions only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.admin import ShowFacets
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.text import Truncator
from unfold.admin import ModelAdmin

from accounts.audit import note
from accounts.models import User
from accounts.models.audit import Deed

MOST_OWNERS = 100
# whose names begin with what is searched for
MOST_COUNTED = 10_000
# rows of a list: a million would take the database longer than whoever looks waits for
LONGEST_VALUE = 60
# characters of a field's old and new value in the history


class Counted(Paginator):
    """Counts to so many and no further: what stands beyond is found by searching, not by turning pages."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        # what a list adds to its rows is not worked out for those that are only counted
        return rows.order_by().values("pk")[:MOST_COUNTED].count()


class NoYears(ModelAdmin):
    compressed_fields = True
    warn_unsaved_form = True
    paginator: Any = Counted
    show_full_result_count = False
    show_facets = ShowFacets.NEVER  # a number beside each choice of a filter: each a count of the whole table
    list_per_page = 50  # most of the time that a list takes is the writing of its rows
    list_disable_select_all = True

    class Media:
        css = {"all": ["desk/rows.css"]}

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Not by `__year`, which no list here links to and which raises for a year that is none."""
        return not lookup.endswith("__year") and super().lookup_allowed(lookup, value, request)

    def get_sortable_by(self, request: HttpRequest) -> Any:
        """Of a long table only by what it has an index of: by anything else the database would read and sort all of it."""
        columns = super().get_sortable_by(request)
        if self.model._base_manager.order_by()[:MOST_COUNTED].count() < MOST_COUNTED:
            return columns
        indexed = {index.fields[0] for index in self.model._meta.indexes if index.fields and index.condition is None}
        indexed |= {field.name for field in self.model._meta.fields if field.unique or field.db_index}
        return [name for name in columns if str(getattr(getattr(self, str(name), None), "admin_order_field", name)).lstrip("-") in indexed]

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        """With what each field was and what it is now."""
        message = super().construct_change_message(request, form, formsets, add)
        for part in message:
            if "changed" in part and "name" not in part["changed"]:  # of the row itself, and not of what stands beside it
                part["changed"]["fields"] = [_change(form, name) for name in form.changed_data]
        return message

    def log_addition(self, request: HttpRequest, row: Model, message: Any) -> Any:
        note(request, Deed.ADDED, [row])
        return super().log_addition(request, row, message)

    def log_change(self, request: HttpRequest, row: Model, message: Any) -> Any:
        entry = super().log_change(request, row, message)
        note(request, Deed.CHANGED, [row], detail=entry.get_change_message())
        return entry

    def log_deletions(self, request: HttpRequest, rows: Iterable[Model]) -> Any:
        rows = list(rows)
        if rows:
            note(request, Deed.DELETED, rows)
        return super().log_deletions(request, rows)


def _change(form: Any, name: str) -> str:
    choices = getattr(form.fields[name], "queryset", None)
    before, after = form[name].initial, form.cleaned_data.get(name)
    if choices is not None and not isinstance(before, list):
        before = choices.filter(pk=before).first()
    return f"{form[name].label} from {_shown(before)} to {_shown(after)}"


def _shown(value: Any) -> str:
    return Truncator("nothing" if value in (None, "") else value).chars(LONGEST_VALUE)


class Listed(NoYears):
    shown: tuple[str, ...] = ()
    # what a row's page shows first, of its fields and beside them
    found_by: tuple[str, ...] | None = None
    # fields with an index of which each names one row or few: a search looks for the whole of what was typed; none: Django's own search
    found_by_owner = "owner"
    # or for those whose owner's name begins so; empty: none have one

    def get_search_results(self, request: HttpRequest, rows: QuerySet[Any], term: str) -> tuple[QuerySet[Any], bool]:
        """What an index finds: of a million rows nobody reads all for a piece of a word."""
        wanted = term.strip()
        if self.found_by is None or not wanted:
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
        return [*self.shown, *(field.name for field in self.model._meta.fields if field.name not in {*hidden, *self.shown})]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return self.get_fields(request, obj)
