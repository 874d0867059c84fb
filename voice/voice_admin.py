"""Voices in the admin: heard, enabled, disabled with a reason that their owner reads, deleted with their samples."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.text import Truncator
from unfold.admin import TabularInline
from unfold.decorators import display

from accounts.buttons import LONGEST_REASON, Button, Buttons, reason_in
from accounts.listed import Listed
from accounts.models import User
from config.errors import Refusal
from jobs.content import being_made, stored
from jobs.models import Item
from voice import waveforms
from voice.consent_admin import RECORDING, Reasoned, player
from voice.custom_voices import delete_voice
from voice.models import Sample, Voice
from voice.models.catalogue import VoiceState
from voice.previews import speak_preview

SENTENCES = {
    "de": "Guten Tag, so klinge ich.",
    "en": "Hello, this is how I sound.",
    "es": "Hola, así es como sueno.",
    "fr": "Bonjour, voici comment je sonne.",
}
# that a list lets its voices say
KEPT_FOR = 86_400
# seconds, for which nobody makes it again
LABELS = {VoiceState.READY.value: "success", VoiceState.DISABLED.value: "warning", VoiceState.REVOKED.value: "danger"}


class Samples(TabularInline):
    model = Sample
    fields = readonly_fields = ("id", "player", "drawing", "found", "version", "created_at")
    can_delete = False
    max_num = 0

    def has_change_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        return False

    @admin.display(description="listen")
    def player(self, sample: Sample) -> str:
        return player("admin:voice_sample_audio", sample.pk, f"Sample {sample.pk}")

    @admin.display(description="waveform")
    def drawing(self, sample: Sample) -> str:
        waveforms.ask_for([sample])
        return waveforms.drawn(sample.waveform, seconds=sample.seconds)

    @admin.display(description="findings")
    def found(self, sample: Sample) -> str:
        return waveforms.measured(sample.findings)


def _enabled(voice: Voice) -> bool:
    return voice.enabled


def _disabled(voice: Voice) -> bool:
    return not voice.enabled


@admin.register(Voice)
class VoiceAdmin(Buttons, Listed):
    list_display = ["name", "preview_player", "state_label", "model", "owner", "spoken", "gender", "created_at"]
    list_filter = ["enabled", "model", "consent__state"]
    search_fields = ["id", "name", "owner__username"]
    search_help_text = "A voice's id or whole name, or how its owner's name begins"
    found_by = ("pk", "name")
    list_select_related = ["model", "owner", "consent"]
    inlines = [Samples]
    action_form = Reasoned
    actions = ["enable", "disable", "delete_selected"]
    shown = ("state_label",)
    buttons = (
        Button("enable_one", "Enable", "change_state", possible=_disabled),
        Button("disable_one", "Disable", "change_state", reason="Why, for its owner", possible=_enabled),
    )
    change_form_outer_before_template = "voice/preview.html"

    class Media:
        js = ["desk/preview.js"]

    def has_delete_permission(self, request: HttpRequest, _obj: Any = None) -> bool:
        return request.user.has_perm("voice.delete_voice")

    def has_change_state_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("voice.change_voice")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Voice]:
        first = Sample.objects.filter(voice=OuterRef("pk")).order_by("pk").values("pk")[:1]
        rows: QuerySet[Voice] = super().get_queryset(request).annotate(first_sample=Subquery(first))
        return rows

    def get_urls(self) -> list[URLPattern]:
        wrapped = self.admin_site.admin_view
        return [
            path("samples/<str:pk>/audio", wrapped(self.audio), name="voice_sample_audio"),
            path("previews/<str:pk>", wrapped(self.preview_audio), name="voice_preview_audio"),
            path("<str:pk>/preview", wrapped(self.preview), name="voice_voice_preview"),
            *super().get_urls(),
        ]

    def audio(self, request: HttpRequest, pk: str) -> HttpResponseBase:
        if not self.has_view_permission(request):
            raise PermissionDenied
        sample = get_object_or_404(Sample.objects.select_related("blob"), pk=pk)
        return stored(request, sample.blob, filename=f"{sample.pk}.{RECORDING.name}", media_type=RECORDING.media_type)

    def preview(self, request: HttpRequest, pk: str) -> HttpResponseBase:
        """A voice heard: a stock voice with a sentence that is known, any with one that was typed. Both on the account of who listens.

        Somebody's own voice says what was typed only for who may change voices, and that it did is written down.
        """
        if not self.has_view_permission(request):
            raise PermissionDenied
        voice = get_object_or_404(Voice.objects.select_related("model", "consent"), pk=pk)
        if request.method != "POST" and voice.owner_id is not None:
            raise Http404
        if request.method == "POST" and not self.has_change_state_permission(request):
            raise PermissionDenied
        try:
            if request.method == "POST":
                text = request.POST.get("text", "")
                item = speak_preview(staff=cast(User, request.user), voice=voice, text=text)
                self.log_change(request, voice, f"let say, as {item.pk}: {Truncator(text).chars(LONGEST_REASON)}")
                return JsonResponse({"item": item.pk, "url": reverse("admin:voice_preview_audio", args=[item.pk])}, status=201)
            return being_made(request, speak_preview(staff=cast(User, request.user), voice=voice, text=_sentence(voice), keep_for=KEPT_FOR))
        except Refusal as refusal:
            return JsonResponse({"error": {"code": refusal.code, "message": refusal.message}}, status=refusal.status)

    def preview_audio(self, request: HttpRequest, pk: str) -> HttpResponseBase:
        """What a voice was asked to say, as it is made."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        item = Item.objects.of(request.user).filter(pk=pk).first()
        if item is None:
            raise Http404
        return being_made(request, item)

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, obj: Any = None, **kwargs: Any) -> HttpResponse:
        context["may_speak"] = obj is not None and self.has_change_state_permission(request)
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)

    @display(description="state", label=LABELS)
    def state_label(self, voice: Voice) -> str:
        return voice.state.value

    @admin.display(description="languages")
    def spoken(self, voice: Voice) -> str:
        return ", ".join(voice.languages)

    @admin.display(description="listen", empty_value="no sample")
    def preview_player(self, voice: Any) -> str | None:
        if voice.owner_id is None:
            return player("admin:voice_voice_preview", voice.pk, f"Preview of {voice.name}")
        return player("admin:voice_sample_audio", voice.first_sample, f"Sample of {voice.name}") if voice.first_sample else None

    def delete_model(self, _request: HttpRequest, voice: Voice) -> None:
        delete_voice(voice)

    def delete_queryset(self, _request: HttpRequest, voices: QuerySet[Voice]) -> None:
        for voice in voices:
            delete_voice(voice)

    def enable_one(self, request: HttpRequest, voice: Voice, _reason: str) -> HttpResponse | None:
        self._enable(request, [voice])
        return None

    def disable_one(self, request: HttpRequest, voice: Voice, reason: str) -> HttpResponse | None:
        self._disable(request, [voice], reason)
        return None

    @admin.action(description="Enable the selected voices", permissions=["change_state"])
    def enable(self, request: HttpRequest, voices: QuerySet[Voice]) -> None:
        self._enable(request, voices)

    @admin.action(description="Disable the selected voices, for the reason given", permissions=["change_state"])
    def disable(self, request: HttpRequest, voices: QuerySet[Voice]) -> None:
        self._disable(request, voices, reason_in(request))

    def _enable(self, request: HttpRequest, voices: Iterable[Voice]) -> None:
        for voice in voices:
            if voice.enable():
                self._note(request, voice, "enabled")

    def _disable(self, request: HttpRequest, voices: Iterable[Voice], reason: str) -> None:
        for voice in voices:
            if voice.disable(reason=reason):
                self._note(request, voice, f"disabled: {reason}" if reason else "disabled")

    def _note(self, request: HttpRequest, voice: Voice, done: str) -> None:
        self.log_change(request, voice, done)
        self.message_user(request, f"{voice}: {done}.", messages.SUCCESS)


def _sentence(voice: Voice) -> str:
    first = voice.languages[0].partition("-")[0]
    return SENTENCES.get(first, SENTENCES["en"])
