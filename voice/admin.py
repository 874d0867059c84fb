from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from accounts.listed import Listed, NoYears
from voice import registry
from voice.custom_admin import ConsentAdmin, VoiceAdmin
from voice.jobs_admin import VoicedJobAdmin
from voice.live_admin import LiveSessionAdmin
from voice.models import Lexicon, LexiconVersion, Model, ModelAlias, Voice, VoiceAlias

__all__ = ["ConsentAdmin", "LiveSessionAdmin", "VoiceAdmin", "VoicedJobAdmin"]
# Django looks for what is registered in this module only


class ModelForm(forms.ModelForm):
    """A new model: a name that its engine knows, or a folder on the workers. Staff are the operator; no request names a location."""

    class Meta:
        model = Model
        fields = ["name", "engine", "location", "licence", "preference", "enabled"]

    engine = forms.ChoiceField(choices=[(name, name) for name in registry.ENGINES], help_text="coqui speaks, whisper transcribes")
    location = forms.CharField(
        max_length=500, help_text="a name such as tts_models/en/vctk/vits, or small of Whisper's, or a folder on the workers"
    )


@admin.register(Model)
class ModelAdmin(NoYears):
    """Engines are written by the workers; staff register models, and decide which are offered and preferred."""

    list_display = ["name", "engine", "task", "licence", "preference", "enabled", "working", "checked_at"]
    list_filter = ["enabled", "engine", "task"]
    search_fields = ["name", "location"]
    actions = ["try_out"]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(request, obj, change=change, **(kwargs if change else {"form": ModelForm, **kwargs}))

    def get_fields(self, _request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return list(ModelForm.Meta.fields)
        return [
            "name", "engine", "task", "location", "licence", "languages", "translates", "clones", "rate", "verbatim", "phonetic", "timed",
            "slowest", "fastest", "preference", "enabled", "problem", "checked_at", "created_at",
        ]  # fmt: skip

    def get_readonly_fields(self, _request: HttpRequest, obj: Any = None) -> list[str]:
        if obj is None:
            return []
        known = [
            "name", "engine", "task", "languages", "translates", "clones", "rate", "verbatim", "phonetic", "timed", "slowest", "fastest",
            "problem", "checked_at", "created_at",
        ]  # fmt: skip
        return known if obj.location else [*known, "location"]

    def save_model(self, request: HttpRequest, model: Model, form: Any, change: bool) -> None:
        if not change:
            for name, value in registry.origin(model.engine).items():
                setattr(model, name, value)
        super().save_model(request, model, form, change)
        if model.location:
            registry.ask_to_check(model.pk)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """With a model its voices go, and nobody's own are to go unasked."""
        mine = Voice.objects.exclude(owner=None)
        used = (mine if obj is None else mine.filter(model=obj)).exists()
        return not used and super().has_delete_permission(request, obj)

    @admin.display(boolean=True, description="Works")
    def working(self, model: Model) -> bool:
        return not model.problem

    @admin.action(description="Try the selected models on a worker", permissions=["change"])
    def try_out(self, request: HttpRequest, models: Any) -> None:
        names = list(models.exclude(location="").values_list("pk", flat=True))
        for name in names:
            registry.ask_to_check(name)
        self.message_user(request, f"{len(names)} models will be tried; reload this page for what came of it.")


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
    list_filter = ["language", "created_at"]
    search_fields = ["id", "name", "owner__username"]
    list_select_related = ["owner"]


@admin.register(LexiconVersion)
class LexiconVersionAdmin(Listed):
    list_display = ["reference", "lexicon", "number", "created_at"]
    list_filter = ["created_at"]
    search_fields = ["lexicon__id", "lexicon__name", "lexicon__owner__username"]
    list_select_related = ["lexicon"]
