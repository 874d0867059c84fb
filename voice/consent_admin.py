"""Consents in the admin: a page to review them on, one after the other; approved, refused, revoked, and that written down."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from unfold.decorators import action, display
from unfold.forms import ActionForm

from accounts.buttons import LONGEST_REASON, Button, Buttons, reason_in
from accounts.filters import one_of
from accounts.listed import Listed
from jobs.content import stored
from voice import consents, phrases, waveforms
from voice.audio.formats import FORMATS
from voice.models import Consent, ConsentState, Sample

RECORDING = FORMATS["wav"]
# what recordings and samples are kept as
IN_THE_QUEUE = 20
# consents that the page of reviews names
LABELS = {
    ConsentState.PENDING.value: "warning",
    ConsentState.APPROVED.value: "success",
    ConsentState.REFUSED.value: "danger",
    ConsentState.REVOKED.value: "danger",
}


class Reasoned(ActionForm):
    """An action and, for whoever it concerns, why."""

    reason = forms.CharField(required=False, max_length=LONGEST_REASON, label="Reason")


def player(view: str, pk: str, label: str = "") -> str:
    return format_html('<audio controls preload="none" src="{}" aria-label="{}"></audio>', reverse(view, args=[pk]), label or pk)


def _pending(consent: Consent) -> bool:
    return consent.state == ConsentState.PENDING and consent.deleted_at is None


def _approvable(consent: Consent) -> bool:
    return consent.state in (ConsentState.PENDING, ConsentState.REFUSED) and consent.deleted_at is None


def _revocable(consent: Consent) -> bool:
    return consent.state != ConsentState.REVOKED


@admin.register(Consent)
class ConsentAdmin(Buttons, Listed):
    list_display = ["name", "owner", "language", "state_label", "player", "transcript", "reviewed_by", "created_at"]
    list_filter = ["state", one_of("language", phrases.phrases), "created_at", "revoked_at"]
    search_fields = ["id", "name", "owner__username"]
    search_help_text = "A consent's id, or how its owner's name begins"
    found_by = ("pk",)
    list_select_related = ["owner", "reviewed_by"]
    action_form = Reasoned
    actions = ["approve", "refuse", "revoke"]
    actions_list = ["review"]
    exclude = ["waveform"]
    shown = ("player", "drawing")
    buttons = (
        Button("approve_one", "Approve", "review", possible=_approvable),
        Button("refuse_one", "Refuse", "review", reason="Why it is refused", possible=_pending),
        Button(
            "revoke_one",
            "Revoke",
            "review",
            asks="Every voice that rests on it ends at once, its samples are deleted, and it can't be approved again.",
            reason="Why it is revoked",
            danger=True,
            possible=_revocable,
        ),
    )

    def get_urls(self) -> list[URLPattern]:
        wrapped = self.admin_site.admin_view
        return [
            path("reviews/", wrapped(self.reviews), name="voice_consent_reviews"),
            path("reviews/<str:pk>/", wrapped(self.one_review), name="voice_consent_one_review"),
            path("<str:pk>/recording", wrapped(self.recording), name="voice_consent_recording"),
            *super().get_urls(),
        ]

    @display(description="state", ordering="state", label=LABELS)
    def state_label(self, consent: Consent) -> str:
        return consent.state

    @admin.display(description="listen", empty_value="deleted")
    def player(self, consent: Consent) -> str | None:
        return player("admin:voice_consent_recording", consent.pk, f"Recording of {consent.name}") if consent.recording_id else None

    @admin.display(description="waveform", empty_value="deleted")
    def drawing(self, consent: Consent) -> str | None:
        if not consent.recording_id:
            return None
        waveforms.ask_for([consent])
        return waveforms.drawn(consent.waveform, seconds=consent.seconds)

    def recording(self, request: HttpRequest, pk: str) -> HttpResponseBase:
        if not self.has_view_permission(request):
            raise PermissionDenied
        consent = get_object_or_404(Consent.objects.select_related("recording"), pk=pk)
        if consent.recording is None:
            raise Http404
        return stored(request, consent.recording, filename=f"{consent.pk}.{RECORDING.name}", media_type=RECORDING.media_type)

    def has_review_permission(self, request: HttpRequest, _obj: Any = None) -> bool:
        return request.user.has_perm("voice.change_consent")

    # ── The page of reviews ─────────────────────────────────────────────────────────────────────────────────────────────────

    @action(description="Review what waits", permissions=["review"], icon="rate_review")
    def review(self, _request: HttpRequest) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:voice_consent_reviews"))

    def reviews(self, request: HttpRequest) -> HttpResponse:
        """The one that waits longest, after `after` where somebody passed it over."""
        if not self.has_review_permission(request):
            raise PermissionDenied
        waiting = Consent.objects.waiting()
        after = request.GET.get("after", "")
        following = waiting.filter(pk__gt=after).first() or waiting.first()
        if following is not None:
            return HttpResponseRedirect(reverse("admin:voice_consent_one_review", args=[following.pk]))
        context = {**self.admin_site.each_context(request), "title": "Consents to review", "opts": self.opts, "media": self.media}
        return TemplateResponse(request, "voice/consent_review.html", context)

    def one_review(self, request: HttpRequest, pk: str) -> HttpResponse:
        """Listen, compare, decide: a verdict leads on to the next one that waits."""
        if not self.has_review_permission(request):
            raise PermissionDenied
        consent = get_object_or_404(Consent.objects.select_related("owner"), pk=pk)
        if request.method == "POST":
            if self._decided(request, consent):
                return HttpResponseRedirect(f"{reverse('admin:voice_consent_reviews')}?after={consent.pk}")
            return HttpResponseRedirect(request.path)
        samples = list(Sample.objects.filter(voice__consent=consent).select_related("voice"))
        waveforms.ask_for([*([consent] if consent.recording_id else []), *samples])
        context = {
            **self.admin_site.each_context(request),
            "title": f"Consent of {consent.name}",
            "opts": self.opts,
            "media": self.media,
            "consent": consent,
            "player": self.player(consent),
            "drawing": waveforms.drawn(consent.waveform, seconds=consent.seconds),
            "compared": phrases.compared(consent.phrase, consent.transcript) if consent.transcript else None,
            "samples": [
                {
                    "sample": sample,
                    "player": player("admin:voice_sample_audio", sample.pk, f"Sample of {sample.voice.name}"),
                    "drawing": waveforms.drawn(sample.waveform, seconds=sample.seconds),
                    "found": waveforms.measured(sample.findings),
                }
                for sample in samples
            ],
            "queue": Consent.objects.waiting().select_related("owner")[:IN_THE_QUEUE],
            "approvable": _approvable(consent),
            "refusable": _pending(consent),
            "revocable": _revocable(consent),
            "longest": LONGEST_REASON,
        }
        return TemplateResponse(request, "voice/consent_review.html", context)

    def _decided(self, request: HttpRequest, consent: Consent) -> bool:
        """Whether there is a verdict in what was sent, and it was done."""
        verdicts = {"approve": self.approve_one, "refuse": self.refuse_one, "revoke": self.revoke_one}
        verdict, reason = request.POST.get("verdict", ""), reason_in(request)
        if verdict not in verdicts:
            return False
        if verdict != "approve" and not reason:
            self.message_user(request, "Say why: the owner is told.", messages.WARNING)
            return False
        verdicts[verdict](request, consent, reason)
        return True

    # ── What is done ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def approve_one(self, request: HttpRequest, consent: Consent, _reason: str) -> None:
        self._act(request, [consent], lambda row: row.approve(by=request.user), "approved")

    def refuse_one(self, request: HttpRequest, consent: Consent, reason: str) -> None:
        self._act(request, [consent], lambda row: row.refuse(by=request.user, reason=reason), f"refused: {reason}")

    def revoke_one(self, request: HttpRequest, consent: Consent, reason: str) -> None:
        self._act(request, [consent], lambda row: consents.revoke(row, reason=reason), f"revoked: {reason}")

    @admin.action(description="Approve the selected consents", permissions=["review"])
    def approve(self, request: HttpRequest, rows: QuerySet[Consent]) -> None:
        self._act(request, rows, lambda consent: consent.approve(by=request.user), "approved")

    @admin.action(description="Refuse the selected consents, for the reason given", permissions=["review"])
    def refuse(self, request: HttpRequest, rows: QuerySet[Consent]) -> None:
        if reason := reason_in(request):
            self._act(request, rows, lambda consent: consent.refuse(by=request.user, reason=reason), f"refused: {reason}")
        else:
            self.message_user(request, "Say why, beside the action: the owner is told.", messages.WARNING)

    @admin.action(description="Revoke the selected consents, and end their voices", permissions=["review"])
    def revoke(self, request: HttpRequest, rows: QuerySet[Consent]) -> None:
        reason = reason_in(request) or "Staff revoked it."
        self._act(request, rows, lambda consent: consents.revoke(consent, reason=reason), f"revoked: {reason}")

    def _act(self, request: HttpRequest, rows: Any, act: Callable[[Consent], bool], done: str) -> None:
        for consent in rows:
            if act(consent):
                self.log_change(request, consent, done)
                self.message_user(request, f"{consent}: {done}.", messages.SUCCESS)
            else:
                self.message_user(request, f"{consent}: it is {consent.state}, so nothing was done.", messages.WARNING)
