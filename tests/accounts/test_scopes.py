from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.permissions import AllowAny
from rest_framework.views import APIView


def views(patterns: list[URLPattern | URLResolver]) -> Iterator[type[APIView]]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from views(pattern.url_patterns)
        else:
            view: Any = getattr(pattern.callback, "cls", object)
            if issubclass(view, APIView):
                yield view


def test_every_view_that_is_not_open_says_which_scope_it_needs():
    """One that forgot would be open to every key."""
    closed = [view for view in views(get_resolver().url_patterns) if AllowAny not in view.permission_classes]

    assert closed
    assert [view for view in closed if not hasattr(view, "scope")] == []
