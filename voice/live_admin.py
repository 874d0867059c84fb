"""Live sessions in the admin: who talks, for how long, why each ended; and the end of those that are open."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.listed import Listed
from voice.live import BY_STAFF
from voice.models import LiveSession


@admin.register(LiveSession)
class LiveSessionAdmin(Listed):
    list_display = [
        "id",
        "owner",
        "model",
        "kind",
        "state",
        "started_at",
        "ended_at",
        "end_reason",
        "heard",
        "spoken",
        "responses",
        "interruptions",
        "first_audio_ms",
    ]
    list_filter = ["state", "kind", "dialect", "end_reason", "started_at", "ended_at"]
    search_fields = ["id", "owner__username", "model", "process"]
    list_select_related = ["owner"]
    actions = ["end"]

    @admin.display(description="seconds heard", ordering="seconds_in")
    def heard(self, session: LiveSession) -> str:
        return f"{session.seconds_in:.1f}"

    @admin.display(description="seconds spoken", ordering="seconds_out")
    def spoken(self, session: LiveSession) -> str:
        return f"{session.seconds_out:.1f}"

    def has_end_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("voice.change_livesession")

    @admin.action(description="End these sessions", permissions=["end"])
    def end(self, request: HttpRequest, sessions: QuerySet[LiveSession]) -> None:
        for session in sessions:
            if session.ask_to_end(BY_STAFF):
                self.log_change(request, session, "told to end")
                self.message_user(request, f"{session}: it ends within a few seconds.", messages.SUCCESS)
            else:
                self.message_user(request, f"{session}: it is over, or is ending already.", messages.WARNING)
