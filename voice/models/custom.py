"""What a voice of somebody's own rests on: that the speaker consented, and how he sounds."""

from __future__ import annotations

from functools import partial
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.ids import new_id
from accounts.models import Owned


class ConsentState(models.TextChoices):
    PENDING = "pending"
    APPROVED = "approved"
    REFUSED = "refused"
    REVOKED = "revoked"


class ConsentRows(Owned):
    def present(self) -> Self:
        """Those that their owner did not delete."""
        return self.filter(deleted_at=None)

    def revoked(self) -> Self:
        return self.filter(state=ConsentState.REVOKED)

    def waiting(self) -> Self:
        """Those that staff are to listen to, who waits longest first."""
        return self.present().filter(state=ConsentState.PENDING).order_by("id")


class Consent(models.Model):
    """A speaker's word that voices may be made of him. Its row outlives it: what was made under it must be known and found."""

    id = models.CharField(primary_key=True, max_length=40, default=partial(new_id, "cons"), editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="consents")
    name = models.CharField(max_length=100)
    language = models.CharField(max_length=35)
    # BCP 47, as it was sent
    phrase = models.TextField()
    # what was to be read
    recording = models.ForeignKey("jobs.Blob", null=True, blank=True, on_delete=models.PROTECT, related_name="consents")
    # empty once it is deleted
    seconds = models.FloatField()
    transcript = models.TextField(blank=True)
    # what the transcriber heard; empty where there is none
    waveform = models.JSONField(null=True, editable=False)
    # of the recording, as `voice.audio.waveform` tells it; empty: no worker has looked yet
    state = models.CharField(max_length=16, choices=ConsentState, default=ConsentState.PENDING)
    reason = models.CharField(max_length=500, blank=True)
    # why it was refused or revoked
    reviewed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    # none: nobody, it was decided by rule
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    reviewed_at = models.DateTimeField(null=True, editable=False)
    revoked_at = models.DateTimeField(null=True, editable=False)
    deleted_at = models.DateTimeField(null=True, editable=False)
    # by its owner, who sees it no more

    objects = ConsentRows.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["owner", "-id"], name="consent_of_owner"),
            models.Index(fields=["id"], condition=Q(state="revoked"), name="consent_revoked"),
            models.Index(fields=["id"], condition=Q(state="pending"), name="consent_pending"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.id})"

    def approve(self, *, by: Any) -> bool:
        """False when it was approved before, or revoked: then its speaker must consent anew."""
        return self._review([ConsentState.PENDING, ConsentState.REFUSED], ConsentState.APPROVED, by=by, reason="")

    def refuse(self, *, by: Any, reason: str) -> bool:
        """False when it is not pending: what was approved can only be revoked."""
        return self._review([ConsentState.PENDING], ConsentState.REFUSED, by=by, reason=reason)

    def revoke(self, *, reason: str = "") -> bool:
        """End it, and with it at once every use of its voices; False when that was done before."""
        granted = Consent.objects.filter(pk=self.pk).exclude(state=ConsentState.REVOKED)
        return granted.update(state=ConsentState.REVOKED, reason=reason, revoked_at=Now()) == 1

    def _review(self, states: list[ConsentState], verdict: ConsentState, *, by: Any, reason: str) -> bool:
        open_to_it = Consent.objects.present().filter(pk=self.pk, state__in=states)
        return open_to_it.update(state=verdict, reason=reason, reviewed_by=by, reviewed_at=Now()) == 1


class Sample(models.Model):
    """A recording of a voice, as it is to sound."""

    id = models.CharField(primary_key=True, max_length=40, default=partial(new_id, "samp"), editable=False)
    voice = models.ForeignKey("voice.Voice", on_delete=models.CASCADE, related_name="samples")
    blob = models.ForeignKey("jobs.Blob", on_delete=models.PROTECT, related_name="samples")
    seconds = models.FloatField()
    findings = models.JSONField(default=dict)
    # what was measured when it was judged
    waveform = models.JSONField(null=True, editable=False)
    # as `voice.audio.waveform` tells it; empty: no worker has looked yet
    version = models.PositiveIntegerField()
    # of the voice, the first that has it
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["voice", "blob"], name="sample_once_a_voice")]

    def __str__(self) -> str:
        return self.id
