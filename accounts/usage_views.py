from __future__ import annotations

import csv
import io
import re
from datetime import date, timedelta
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import caller
from accounts.models import Scope, Usage
from accounts.quotas import Allowance, allowance
from accounts.usage import GROUPS, between, grouped, standing
from config.errors import InvalidParameter

LONGEST = timedelta(days=366)
MOST_ROWS = 10_000
# of one answer
DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
SUMS = ("characters", "seconds", "items", "reused")
FORMULA = ("=", "+", "-", "@", "\t", "\r")
# how a cell begins that a spreadsheet would calculate


class PeriodSerializer(serializers.Serializer[Any]):
    starts_at = serializers.IntegerField(help_text="Unix seconds")
    ends_at = serializers.IntegerField(help_text="Unix seconds; the first instant of the next period")
    plan = serializers.CharField(allow_null=True)
    limits = serializers.DictField(child=serializers.IntegerField(allow_null=True), help_text="null: without one")
    used = serializers.DictField(child=serializers.FloatField())
    reserved = serializers.DictField(child=serializers.FloatField(), help_text="for work that is not over")
    remaining = serializers.DictField(child=serializers.FloatField(allow_null=True), help_text="null: as much as you like")


class UsageRowSerializer(serializers.Serializer[Any]):
    day = serializers.DateField(required=False)
    voice = serializers.CharField(required=False)
    model = serializers.CharField(required=False)
    key = serializers.CharField(required=False, allow_null=True, help_text="id of an API key; null: without one, or it is gone")
    kind = serializers.CharField(required=False)
    characters = serializers.IntegerField()
    seconds = serializers.FloatField()
    items = serializers.IntegerField()
    reused = serializers.IntegerField(help_text="items that were served again, not made")


class UsageSerializer(serializers.Serializer[Any]):
    object = serializers.CharField()
    period = PeriodSerializer()
    data = UsageRowSerializer(many=True)  # type: ignore[assignment]  # the field's name, as in every list


class Named(BaseContentNegotiation):
    """For an answer whose form a parameter names: `Accept` decides nothing."""

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> tuple[BaseRenderer, str]:
        return renderers[0], renderers[0].media_type or ""


class UsageReport(APIView):
    scope = Scope.ACCOUNT
    content_negotiation_class = Named

    @extend_schema(
        operation_id="usage",
        parameters=[
            OpenApiParameter("start", OpenApiTypes.DATE, description="First day, UTC; with `end`. Without both: the current period"),
            OpenApiParameter(
                "end", OpenApiTypes.DATE, description=f"The day after the last one; at most {LONGEST.days} days after `start`"
            ),
            OpenApiParameter("group_by", str, description=f"One or more of {', '.join(GROUPS)}, with commas", default="day"),
            OpenApiParameter("as", str, enum=["json", "csv"], default="json", description="The form of the answer"),
        ],
        responses={(200, "application/json"): UsageSerializer, (200, "text/csv"): OpenApiTypes.STR},
    )
    def get(self, request: Request) -> HttpResponseBase:
        """What you used, and what is left of the current period. As CSV: the sums alone."""
        for name in request.query_params:
            if name not in ("start", "end", "group_by", "as"):
                raise InvalidParameter.unknown(name)
        owner = caller(request).user
        form = _choice(request, "as", ("json", "csv"))
        by = _groups(request)
        allowed = allowance(owner)
        data = grouped(_asked_for(request, Usage.objects.of(owner), allowed), by, most=MOST_ROWS + 1)
        if len(data) > MOST_ROWS:
            raise InvalidParameter(f"These are more than {MOST_ROWS} rows. Ask for fewer days or groups.", param="group_by")
        if form == "csv":
            return _as_csv([*by, *SUMS], data)
        period = {
            "starts_at": int(allowed.starts_at.timestamp()),
            "ends_at": int(allowed.ends_at.timestamp()),
            "plan": allowed.plan.name or None,
            **standing(owner, allowed),
        }
        return Response({"object": "usage", "period": period, "data": data})


def _asked_for(request: Request, usage: QuerySet[Usage], allowed: Allowance) -> QuerySet[Usage]:
    """By default what the current period was charged with, so that it adds up to what the period says is used."""
    if not {"start", "end"} & set(request.query_params):
        return usage.filter(period_starts_at=allowed.starts_at)
    start, end = _day(request, "start"), _day(request, "end")
    if not timedelta(0) < end - start <= LONGEST:
        raise InvalidParameter(f"'end' must be 1 to {LONGEST.days} days after 'start'.", param="end")
    return between(usage, start, end)


def _day(request: Request, name: str) -> date:
    text = request.query_params.get(name, "")
    try:
        if DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise InvalidParameter(f"'{name}' must be a day such as 2026-01-31; 'start' and 'end' go together.", param=name)


def _groups(request: Request) -> list[str]:
    by = list(dict.fromkeys(request.query_params.get("group_by", "day").split(",")))
    if not set(by) <= set(GROUPS):
        raise InvalidParameter(f"'group_by' must be one or more of {', '.join(GROUPS)}, with commas.", param="group_by")
    return by


def _choice(request: Request, name: str, choices: tuple[str, ...]) -> str:
    chosen = request.query_params.get(name, choices[0])
    if chosen not in choices:
        raise InvalidParameter(f"'{name}' must be {' or '.join(choices)}.", param=name)
    return chosen


def _as_csv(columns: list[str], data: list[dict[str, Any]]) -> HttpResponse:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows([_cell(row[name]) for name in columns] for row in data)
    headers = {"Content-Disposition": 'attachment; filename="usage.csv"'}
    return HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8", headers=headers)


def _cell(value: Any) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(FORMULA) else text
