"""The conversations that are held, and that were."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Now

from accounts.ids import new_id
from accounts.models import Owned

SILENCE = timedelta(seconds=15)
# beyond what a client has to come back in, that a session may go unheard of: five of its process's beats


class Kind(models.TextChoices):
    REALTIME = "realtime"
    TRANSCRIPTION = "transcription"


class Dialect(models.TextChoices):
    """Of OpenAI's protocol."""

    GA = "ga", "GA"
    BETA = "beta"


class SessionState(models.TextChoices):
    OPEN = "open"
    CLOSED = "closed"


class LiveSessionRows(Owned):
    def open(self) -> Self:
        return self.filter(state=SessionState.OPEN)

    def heard_of(self) -> Self:
        """The open ones that a process still holds, or that a client may come back to."""
        return self.open().filter(seen_at__gte=Now() - SILENCE - settings.LIVE_RESUME)

    def attended(self) -> Self:
        """The open ones that somebody talks in now."""
        return self.open().filter(left_at=None)

    def lost(self) -> Self:
        return self.open().filter(seen_at__lt=Now() - SILENCE - settings.LIVE_RESUME)

    def close(self, reason: str, *, at: Any = None, **fields: Any) -> int:
        """End the open ones, and say how many. Where somebody had asked for it, that is the reason."""
        first = Case(When(end_reason="", then=Value(reason)), default=F("end_reason"))
        return self.open().update(state=SessionState.CLOSED, ended_at=at or Now(), end_reason=first, snapshot=None, **fields)


class LiveSession(models.Model):
    """A conversation over a socket. The process that holds it writes it, as often as it shows that it lives."""

    id = models.CharField(primary_key=True, max_length=40, default=partial(new_id, "sess"), editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="live_sessions")
    api_key = models.ForeignKey("accounts.ApiKey", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    model = models.CharField(max_length=100)
    # as the client named it
    kind = models.CharField(max_length=16, choices=Kind)
    dialect = models.CharField(max_length=8, choices=Dialect)
    state = models.CharField(max_length=8, choices=SessionState, default=SessionState.OPEN)
    process = models.CharField(max_length=80)
    # the one that holds it; no other beats or ends it
    started_at = models.DateTimeField(db_default=Now(), editable=False)
    seen_at = models.DateTimeField(db_default=Now(), editable=False)
    # the last beat
    end_asked_at = models.DateTimeField(null=True, blank=True, editable=False)
    left_at = models.DateTimeField(null=True, blank=True, editable=False)
    # when its client went, who may come back for a while
    snapshot = models.JSONField(null=True, editable=False)
    # what he finds then; kept no longer than he may
    ended_at = models.DateTimeField(null=True, blank=True, editable=False)
    end_reason = models.CharField(max_length=40, blank=True)
    # a code; also that of who asked for the end, while it is still open
    seconds_in = models.FloatField(default=0)
    # of sound that came
    seconds_out = models.FloatField(default=0)
    # and that was sent
    responses = models.PositiveIntegerField(default=0)
    tokens_in = models.PositiveIntegerField(default=0)
    tokens_out = models.PositiveIntegerField(default=0)
    interruptions = models.PositiveIntegerField(default=0)
    transcript_ms = models.PositiveIntegerField(null=True, blank=True)
    # medians of its turns, from the end of the speech: to its transcript,
    first_token_ms = models.PositiveIntegerField(null=True, blank=True)
    # to the first word of the answer,
    first_audio_ms = models.PositiveIntegerField(null=True, blank=True)
    # to its first sound
    keeps_transcript = models.BooleanField(default=False)
    # what the plan said when it began
    transcript = models.JSONField(null=True, blank=True)
    # what was said, in its order; none where it isn't kept

    objects = LiveSessionRows.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["owner", "-id"], name="live_session_of_owner"),
            models.Index(fields=["owner", "seen_at"], condition=Q(state="open"), name="live_session_open"),
            models.Index(fields=["process"], condition=Q(state="open"), name="live_session_of_process"),
        ]

    def __str__(self) -> str:
        return self.id

    def ask_to_end(self, reason: str) -> bool:
        """Have its process end it with its next beat; False when it is over, or that was asked for before."""
        return LiveSession.objects.open().filter(pk=self.pk, end_asked_at=None).update(end_asked_at=Now(), end_reason=reason) == 1
