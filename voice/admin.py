from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from accounts.listed import Listed, NoYears
from accounts.readable import pretty
from voice.consent_admin import ConsentAdmin
from voice.jobs_admin import VoicedJobAdmin
from voice.live_admin import LiveSessionAdmin
from voice.model_admin import ModelAdmin
from voice.models import Lexicon, LexiconVersion, ModelAlias, VoiceAlias
from voice.people_admin import PersonAdmin
from voice.voice_admin import VoiceAdmin

__all__ = ["ConsentAdmin", "LiveSessionAdmin", "ModelAdmin", "PersonAdmin", "VoiceAdmin", "VoicedJobAdmin"]
# Django looks for what is registered in this module only


@admin.register(VoiceAlias)
class VoiceAliasAdmin(NoYears):
    list_display = ["name", "voice", "automatic"]
    list_select_related = ["voice"]
    search_fields = ["name", "voice__name"]
    autocomplete_fields = ["voice"]
    readonly_fields = ["automatic"]

    def save_model(self, request: HttpRequest, alias: VoiceAlias, form: Any, change: bool) -> None:
        alias.automatic = False
        super().save_model(request, alias, form, change)


@admin.register(ModelAlias)
class ModelAliasAdmin(NoYears):
    list_display = ["name", "model", "created_at"]
    list_select_related = ["model"]
    search_fields = ["name", "model__name"]


@admin.register(Lexicon)
class LexiconAdmin(Listed):
    list_display = ["id", "owner", "name", "language", "version", "created_at"]
    list_filter = ["created_at"]
    search_fields = ["id", "owner__username"]
    search_help_text = "A lexicon's id, or how its owner's name begins"
    found_by = ("pk",)
    list_select_related = ["owner"]


@admin.register(LexiconVersion)
class LexiconVersionAdmin(Listed):
    list_display = ["reference", "lexicon", "number", "created_at"]
    list_filter = ["created_at"]
    search_fields = ["lexicon__id", "lexicon__owner__username"]
    search_help_text = "A lexicon's id, or how its owner's name begins"
    found_by = ("lexicon_id",)
    found_by_owner = "lexicon__owner"
    list_select_related = ["lexicon"]
    exclude = ["entries"]
    shown = ("words",)

    @admin.display(description="entries")
    def words(self, version: LexiconVersion) -> str:
        return pretty(version.entries)
