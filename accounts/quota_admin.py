"""What was used in the admin: of each period against its limits, and item by item."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from accounts.bars import bar
from accounts.filters import one_of
from accounts.listed import Listed
from accounts.models import Quota, Usage
from accounts.models.ledger import MILLISECONDS
from accounts.quotas import METERED
from accounts.usage import COUNTERS, limit_in_force


@admin.register(Usage)
class UsageAdmin(Listed):
    list_display = ["item_id", "owner", "kind", "characters", "length", "reused", "voice", "model", "period_starts_at", "created_at"]
    list_filter = [
        ("owner", AutocompleteSelectFilter), one_of("kind", lambda: sorted(METERED)), "reused", "period_starts_at", "created_at",
    ]  # fmt: skip
    list_filter_submit = True
    search_fields = ["item_id", "owner__username"]
    search_help_text = "An item's id, or how its owner's name begins"
    found_by = ("item_id",)
    list_select_related = ["owner"]

    @admin.display(description="seconds")
    def length(self, usage: Usage) -> str:
        return f"{usage.seconds:,.1f}"


@admin.register(Quota)
class QuotaAdmin(Listed):
    """What is used and reserved of each period, beside the limits that hold today."""

    list_display = ["owner", "starts_at", "ends_at", "characters_bar", "speech_bar", "transcription_bar", "conversion_bar"]
    list_filter = [("owner", AutocompleteSelectFilter), "starts_at", "ends_at", "owner__plan"]
    list_filter_submit = True
    search_fields = ["owner__username"]
    search_help_text = "How the owner's name begins"
    found_by = ()
    list_select_related = ["owner"]
    shown = ("characters_bar", "speech_bar", "transcription_bar", "conversion_bar")
    exclude = [field.name for field in Quota._meta.fields if field.name.endswith(("_ms", "_reserved")) or field.name == "characters"]
    # the bars tell them

    def get_queryset(self, request: HttpRequest) -> QuerySet[Quota]:
        quotas: QuerySet[Quota] = super().get_queryset(request)
        return quotas.annotate(**{f"{name}_limit": limit_in_force(name, owner="owner__") for name in COUNTERS})

    @admin.display(description="characters")
    def characters_bar(self, quota: Any) -> str:
        return bar(quota.characters, quota.characters_reserved, quota.characters_limit)

    @admin.display(description="speech, seconds")
    def speech_bar(self, quota: Any) -> str:
        return _seconds(quota, "speech")

    @admin.display(description="transcription, seconds")
    def transcription_bar(self, quota: Any) -> str:
        return _seconds(quota, "transcription")

    @admin.display(description="conversion, seconds")
    def conversion_bar(self, quota: Any) -> str:
        return _seconds(quota, "conversion")


def _seconds(quota: Any, kind: str) -> str:
    used, reserved = getattr(quota, f"{kind}_ms") / MILLISECONDS, getattr(quota, f"{kind}_ms_reserved") / MILLISECONDS
    return bar(used, reserved, getattr(quota, f"{kind}_seconds_limit"))
