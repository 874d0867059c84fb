from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from voice.custom_admin import ConsentAdmin, VoiceAdmin
from voice.models import Model, ModelAlias, VoiceAlias

__all__ = ["ConsentAdmin", "VoiceAdmin"]
# Django looks for what is registered in this module only


@admin.register(Model)
class ModelAdmin(admin.ModelAdmin):
    """Written by the workers; staff decide which are offered and preferred."""

    list_display = ["name", "engine", "preference", "enabled", "created_at"]
    list_filter = ["enabled", "engine"]
    search_fields = ["name"]
    readonly_fields = ["name", "engine", "verbatim", "slowest", "fastest", "created_at"]

    def has_add_permission(self, _request: HttpRequest) -> bool:
        return False


@admin.register(VoiceAlias)
class VoiceAliasAdmin(admin.ModelAdmin):
    list_display = ["name", "voice", "automatic"]
    list_select_related = ["voice"]
    search_fields = ["name", "voice__name"]
    autocomplete_fields = ["voice"]
    readonly_fields = ["automatic"]

    def save_model(self, request: HttpRequest, alias: VoiceAlias, form: Any, change: bool) -> None:
        alias.automatic = False
        super().save_model(request, alias, form, change)


@admin.register(ModelAlias)
class ModelAliasAdmin(admin.ModelAdmin):
    list_display = ["name", "model", "created_at"]
    list_select_related = ["model"]
    search_fields = ["name", "model__name"]
