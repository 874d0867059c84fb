"""Finds rows by what an index knows: an id, or whose they are. A search through the text of a million rows is none."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest

from accounts.models import User


class Found:
    """For the admin of rows with an owner. `names_of` are the prefixes of ids, and the field that each is looked for in."""

    names_of: dict[str, str] = {}
    search_fields = ("id",)
    # only says that there is a search
    search_help_text = "an id in full, or a user's name"

    def get_search_results(self, _request: HttpRequest, rows: QuerySet[Any], term: str) -> tuple[QuerySet[Any], bool]:
        term = term.strip()
        if not term:
            return rows, False
        for prefix, field in self.names_of.items():
            if term.startswith(prefix):
                return rows.filter(**{field: term}), False
        owners = User.objects.filter(Q(username__iexact=term) | Q(email__iexact=term)).values_list("pk", flat=True)
        return rows.filter(owner__in=list(owners)), False
