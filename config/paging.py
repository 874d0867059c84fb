"""Lists in the contract's shape, paged by the last id seen."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response

from config.errors import InvalidParameter

if TYPE_CHECKING:
    from rest_framework.views import APIView  # it reads the settings that name this module

DEFAULT_LIMIT = 20
HIGHEST_LIMIT = 100
ID = re.compile(r"[a-z]{2,16}_[0-9a-z]{26}", re.ASCII)


class Pages(BasePagination):
    """Newest first. Ids sort by time, so the page after one is whatever is smaller: no offset, no count, at any depth the same cost.

    A view may name further query parameters that it reads itself in `query_parameters`; any other is refused. It may also name another
    field that its rows are paged by, ascending, in `paged_by`; that must tell the rows of its queryset apart.
    """

    def paginate_queryset(  # type: ignore[override]  # sequences have no ids to page by
        self, queryset: QuerySet[Any], request: Request, view: APIView | None = None
    ) -> list[Any]:
        known = {"limit", "after", *getattr(view, "query_parameters", ())}
        for name in request.query_params:
            if name not in known:
                raise InvalidParameter.unknown(name)
        by: str | None = getattr(view, "paged_by", None)
        limit = _limit(request.query_params.get("limit", str(DEFAULT_LIMIT)))
        after = request.query_params.get("after")
        if after is not None:
            if not ID.fullmatch(after):
                raise InvalidParameter("'after' must be an id from an earlier page.", param="after")
            queryset = queryset.filter(pk__lt=after) if by is None else _beyond(queryset, by, after)
        rows = list(queryset.order_by(by or "-pk")[: limit + 1])
        self.has_more = len(rows) > limit
        return rows[:limit]

    def get_paginated_response(self, data: Sequence[Any]) -> Response:
        return Response(
            {
                "object": "list",
                "data": data,
                "first_id": data[0]["id"] if data else None,
                "last_id": data[-1]["id"] if data else None,
                "has_more": self.has_more,
            }
        )

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        nullable_id = {"type": "string", "nullable": True}
        return {
            "type": "object",
            "required": ["object", "data", "first_id", "last_id", "has_more"],
            "properties": {
                "object": {"type": "string", "enum": ["list"]},
                "data": schema,
                "first_id": nullable_id,
                "last_id": nullable_id,
                "has_more": {"type": "boolean"},
            },
        }

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        return [
            {
                "name": "limit",
                "in": "query",
                "schema": {"type": "integer", "minimum": 1, "maximum": HIGHEST_LIMIT, "default": DEFAULT_LIMIT},
            },
            {"name": "after", "in": "query", "schema": {"type": "string"}, "description": "The last id of the page before."},
        ]


def _beyond(queryset: QuerySet[Any], by: str, after: str) -> QuerySet[Any]:
    last = queryset.filter(pk=after).values_list(by, flat=True).first()
    if last is None:
        raise InvalidParameter("'after' must be an id from an earlier page.", param="after")
    return queryset.filter(**{f"{by}__gt": last})


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(HIGHEST_LIMIT)) and 1 <= int(text) <= HIGHEST_LIMIT):
        raise InvalidParameter(f"'limit' must be a whole number from 1 to {HIGHEST_LIMIT}.", param="limit")
    return int(text)
