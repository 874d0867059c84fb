"""Live sessions in the admin: who talks, for how long, how quickly he was answered, why each ended; and the end of those that are open."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from unfold.decorators import display

from accounts.buttons import Button, Buttons
from accounts.listed import Listed
from accounts.readable import lasting
from voice.live import BY_STAFF
from voice.models import LiveSession, SessionState

LABELS = {"open": "success", "left": "warning", "ending": "warning", "closed": ""}


def _open(session: LiveSession) -> bool:
    return session.state == SessionState.OPEN and session.end_asked_at is None


@admin.register(LiveSession)
class LiveSessionAdmin(Buttons, Listed):
    list_display = [
        "id",
        "owner",
        "model",
        "kind",
        "now",
        "lasts",
        "started_at",
        "end_reason",
        "heard",
        "spoken",
        "responses",
        "interruptions",
        "first_audio",
    ]
    list_filter = ["state", "kind", "dialect", "started_at", "ended_at"]
    search_fields = ["id", "owner__username"]
    search_help_text = "A session's id, or how its owner's name begins"
    found_by = ("pk",)
    list_select_related = ["owner"]
    exclude = ["state", "snapshot", "transcript", "transcript_ms", "first_token_ms", "first_audio_ms", "seconds_in", "seconds_out"]
    shown = ("now", "lasts", "heard", "spoken", "legs", "conversation")
    actions = ["end"]
    buttons = (
        Button(
            "end_one",
            "End the conversation",
            "end",
            asks="Whoever talks in it is cut off within a few seconds.",
            danger=True,
            possible=_open,
        ),
    )
    has_delete_permission = admin.ModelAdmin.has_delete_permission  # type: ignore[assignment]  # with its owner, and with what was said

    @display(description="state", ordering="state", label=LABELS)
    def now(self, session: LiveSession) -> str:
        if session.state == SessionState.CLOSED:
            return "closed"
        if session.end_asked_at is not None:
            return "ending"
        return "left" if session.left_at is not None else "open"

    @admin.display(description="lasts")
    def lasts(self, session: LiveSession) -> str:
        return lasting((session.ended_at or timezone.now()) - session.started_at)

    @admin.display(description="seconds heard", ordering="seconds_in")
    def heard(self, session: LiveSession) -> str:
        return f"{session.seconds_in:.1f}"

    @admin.display(description="seconds spoken", ordering="seconds_out")
    def spoken(self, session: LiveSession) -> str:
        return f"{session.seconds_out:.1f}"

    @admin.display(description="first sound", empty_value="")
    def first_audio(self, session: LiveSession) -> str | None:
        return None if session.first_audio_ms is None else f"{session.first_audio_ms} ms"

    @admin.display(description="after the end of the speech, in the median", empty_value="nothing was answered")
    def legs(self, session: LiveSession) -> str | None:
        figures = (
            ("understood", session.transcript_ms),
            ("first word of the answer", session.first_token_ms),
            ("first sound of the answer", session.first_audio_ms),
        )
        told: str = format_html_join("", "{}: {} ms<br>", ((name, ms) for name, ms in figures if ms is not None))
        return told or None

    @admin.display(description="what was said")
    def conversation(self, session: LiveSession) -> str:
        if session.transcript is None:
            return "It is kept until the end." if _open(session) and session.keeps_transcript else "It was not kept: the plan says so."
        lines = format_html_join("", "<p><strong>{}</strong>: {}</p>", (_said(entry) for entry in session.transcript))
        return format_html('<div class="desk-said">{}</div>', lines)

    def has_end_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("voice.change_livesession")

    def end_one(self, request: HttpRequest, session: LiveSession, _reason: str) -> None:
        self._end(request, [session])

    @admin.action(description="End these sessions", permissions=["end"])
    def end(self, request: HttpRequest, sessions: QuerySet[LiveSession]) -> None:
        self._end(request, sessions)

    def _end(self, request: HttpRequest, sessions: Iterable[LiveSession]) -> None:
        for session in sessions:
            if session.ask_to_end(BY_STAFF):
                self.log_change(request, session, "told to end")
                self.message_user(request, f"{session}: it ends within a few seconds.", messages.SUCCESS)
            else:
                self.message_user(request, f"{session}: it is over, or is ending already.", messages.WARNING)


def _said(entry: Any) -> tuple[str, str]:
    """Who said what, of an item as the session kept it."""
    if not isinstance(entry, dict):
        return "", str(entry)
    parts = [part for part in entry.get("content") or [] if isinstance(part, dict)]
    words = " ".join(filter(None, (part.get("text") or part.get("transcript") for part in parts)))
    said = words or entry.get("text") or entry.get("output") or entry.get("arguments") or ""
    return str(entry.get("role") or entry.get("type") or ""), str(said)
