from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from accounts.listed import Listed
from voice.models import Lexicon, LexiconVersion, Model, ModelAlias, Voice, VoiceAlias


@admin.register(Model)
class ModelAdmin(admin.ModelAdmin):
    """Written by the workers; staff decide which are offered and preferred."""

    list_display = ["name", "engine", "preference", "enabled", "created_at"]
    list_filter = ["enabled", "engine"]
    search_fields = ["name"]
    readonly_fields = ["name", "engine", "verbatim", "phonetic", "slowest", "fastest", "created_at"]

    def has_add_permission(self, _request: HttpRequest) -> bool:
        return False


@admin.register(Voice)
class VoiceAdmin(admin.ModelAdmin):
    list_display = ["name", "model", "owner", "languages", "gender", "enabled", "created_at"]
    list_filter = ["enabled", "model", "gender"]
    search_fields = ["id", "name", "owner__username", "description"]
    list_select_related = ["model", "owner"]
    readonly_fields = ["id", "name", "owner", "model", "speaker", "languages", "gender", "version", "created_at"]
    actions = ["enable", "disable"]

    def has_add_permission(self, _request: HttpRequest) -> bool:
        return False

    @admin.action(description="Enable the selected voices", permissions=["change"])
    def enable(self, _request: HttpRequest, voices: Any) -> None:
        voices.update(enabled=True)

    @admin.action(description="Disable the selected voices", permissions=["change"])
    def disable(self, _request: HttpRequest, voices: Any) -> None:
        voices.update(enabled=False)


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


@admin.register(Lexicon)
class LexiconAdmin(Listed):
    list_display = ["id", "owner", "name", "language", "version", "created_at"]
    list_filter = ["language", "created_at"]
    search_fields = ["id", "name", "owner__username"]
    list_select_related = ["owner"]


@admin.register(LexiconVersion)
class LexiconVersionAdmin(Listed):
    list_display = ["reference", "lexicon", "number", "created_at"]
    list_filter = ["created_at"]
    search_fields = ["lexicon__id", "lexicon__name", "lexicon__owner__username"]
    list_select_related = ["lexicon"]
