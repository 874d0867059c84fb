"""Consents and voices of one's own in the admin: listened to, approved, refused, revoked, and that written down."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from unfold.admin import TabularInline
from unfold.forms import ActionForm

from accounts.listed import Listed, NoYears
from jobs.content import stored
from voice import consents
from voice.audio.formats import FORMATS
from voice.custom_voices import delete_voice
from voice.models import Consent, Sample, Voice

RECORDING = FORMATS["wav"]
# what recordings and samples are kept as


class Reasoned(ActionForm):
    """An action and, for whoever it concerns, why."""

    reason = forms.CharField(required=False, max_length=500, label="Reason")


@admin.register(Consent)
class ConsentAdmin(Listed):
    list_display = ["name", "owner", "language", "state", "player", "transcript", "reviewed_by", "created_at"]
    list_filter = ["state", "language", "created_at", "revoked_at"]
    search_fields = ["id", "name", "owner__username"]
    list_select_related = ["owner", "reviewed_by"]
    action_form = Reasoned
    actions = ["approve", "refuse", "revoke"]
    shown = ("player",)

    def get_urls(self) -> list[URLPattern]:
        return [path("<str:pk>/recording", self.admin_site.admin_view(self.recording), name="voice_consent_recording"), *super().get_urls()]

    @admin.display(description="listen", empty_value="deleted")
    def player(self, consent: Consent) -> str | None:
        return _player("admin:voice_consent_recording", consent.pk) if consent.recording_id else None

    def recording(self, request: HttpRequest, pk: str) -> HttpResponseBase:
        if not self.has_view_permission(request):
            raise PermissionDenied
        consent = get_object_or_404(Consent.objects.select_related("recording"), pk=pk)
        if consent.recording is None:
            raise Http404
        return stored(request, consent.recording, filename=f"{consent.pk}.{RECORDING.name}", media_type=RECORDING.media_type)

    def has_review_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("voice.change_consent")

    @admin.action(description="Approve the selected consents", permissions=["review"])
    def approve(self, request: HttpRequest, rows: QuerySet[Consent]) -> None:
        self._act(request, rows, lambda consent: consent.approve(by=request.user), "approved")

    @admin.action(description="Refuse the selected consents, for the reason given", permissions=["review"])
    def refuse(self, request: HttpRequest, rows: QuerySet[Consent]) -> None:
        if reason := self._reason(request):
            self._act(request, rows, lambda consent: consent.refuse(by=request.user, reason=reason), f"refused: {reason}")
        else:
            self.message_user(request, "Say why, beside the action: the owner is told.", messages.WARNING)

    @admin.action(description="Revoke the selected consents, and end their voices", permissions=["review"])
    def revoke(self, request: HttpRequest, rows: QuerySet[Consent]) -> None:
        reason = self._reason(request) or "Staff revoked it."
        self._act(request, rows, lambda consent: consents.revoke(consent, reason=reason), f"revoked: {reason}")

    def _reason(self, request: HttpRequest) -> str:
        return request.POST.get("reason", "").strip()[:500]

    def _act(self, request: HttpRequest, rows: QuerySet[Consent], act: Callable[[Consent], bool], done: str) -> None:
        for consent in rows:
            if act(consent):
                self.log_change(request, consent, done)
                self.message_user(request, f"{consent}: {done}.", messages.SUCCESS)
            else:
                self.message_user(request, f"{consent}: it is {consent.state}, so nothing was done.", messages.WARNING)


class Samples(TabularInline):
    model = Sample
    fields = readonly_fields = ("id", "player", "seconds", "found", "version", "created_at")
    can_delete = False
    max_num = 0

    def has_change_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        return False

    @admin.display(description="listen")
    def player(self, sample: Sample) -> str:
        return _player("admin:voice_sample_audio", sample.pk)

    @admin.display(description="findings")
    def found(self, sample: Sample) -> str:
        return format_html_join("", "{}: {}<br>", sample.findings.items())


@admin.register(Voice)
class VoiceAdmin(NoYears):
    list_display = ["name", "model", "owner", "languages", "gender", "state", "created_at"]
    list_filter = ["enabled", "model", "gender", "consent__state"]
    search_fields = ["id", "name", "owner__username", "description"]
    list_select_related = ["model", "owner", "consent"]
    readonly_fields = ["id", "name", "owner", "consent", "state", "model", "speaker", "languages", "gender", "version", "created_at"]
    inlines = [Samples]
    actions = ["enable", "disable"]

    def get_urls(self) -> list[URLPattern]:
        return [path("samples/<str:pk>/audio", self.admin_site.admin_view(self.audio), name="voice_sample_audio"), *super().get_urls()]

    def audio(self, request: HttpRequest, pk: str) -> HttpResponseBase:
        if not self.has_view_permission(request):
            raise PermissionDenied
        sample = get_object_or_404(Sample.objects.select_related("blob"), pk=pk)
        return stored(request, sample.blob, filename=f"{sample.pk}.{RECORDING.name}", media_type=RECORDING.media_type)

    @admin.display(description="state")
    def state(self, voice: Voice) -> str:
        return voice.state

    def has_add_permission(self, _request: HttpRequest) -> bool:
        return False

    def delete_model(self, _request: HttpRequest, voice: Voice) -> None:
        delete_voice(voice)

    def delete_queryset(self, _request: HttpRequest, voices: QuerySet[Voice]) -> None:
        for voice in voices:
            delete_voice(voice)

    @admin.action(description="Enable the selected voices", permissions=["change"])
    def enable(self, request: HttpRequest, voices: QuerySet[Voice]) -> None:
        self._set_enabled(request, voices, to=True, done="enabled")

    @admin.action(description="Disable the selected voices", permissions=["change"])
    def disable(self, request: HttpRequest, voices: QuerySet[Voice]) -> None:
        self._set_enabled(request, voices, to=False, done="disabled")

    def _set_enabled(self, request: HttpRequest, voices: QuerySet[Voice], *, to: bool, done: str) -> None:
        for voice in voices:
            if Voice.objects.filter(pk=voice.pk, enabled=not to).update(enabled=to):
                self.log_change(request, voice, done)
                self.message_user(request, f"{voice}: {done}.", messages.SUCCESS)


def _player(view: str, pk: str) -> str:
    return format_html('<audio controls preload="none" src="{}" aria-label="{}"></audio>', reverse(view, args=[pk]), pk)
