"""What somebody may use: plans, what differs from them for one user, and how much of it is gone."""

from __future__ import annotations

import zoneinfo

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q

from accounts.models.people import Owned, User


class Span(models.TextChoices):
    """How long a period is. It begins at midnight in the plan's time zone."""

    DAY = "day"
    MONTH = "month"


def check_time_zone(name: str) -> None:
    if name not in zoneinfo.available_timezones():
        raise ValidationError(f"There is no time zone '{name}'.")


class Limits(models.Model):
    """How much of everything. Each may be left empty."""

    characters = models.PositiveBigIntegerField(null=True, blank=True, help_text="of text spoken, in a period")
    speech_seconds = models.PositiveBigIntegerField(null=True, blank=True, help_text="of audio made from text, in a period")
    transcription_seconds = models.PositiveBigIntegerField(null=True, blank=True, help_text="of audio transcribed, in a period")
    conversion_seconds = models.PositiveBigIntegerField(null=True, blank=True, help_text="of audio converted to another voice, in a period")
    custom_voices = models.PositiveIntegerField(null=True, blank=True, help_text="voices of one's own, at a time")
    stored_bytes = models.PositiveBigIntegerField(null=True, blank=True, help_text="of outputs kept; at the limit nothing more is stored")
    concurrent_jobs = models.PositiveIntegerField(null=True, blank=True, help_text="jobs that are not over, at a time")
    concurrent_sessions = models.PositiveIntegerField(null=True, blank=True, help_text="live conversations, at a time")
    requests_per_minute = models.PositiveIntegerField(null=True, blank=True, help_text="that write or generate")

    class Meta:
        abstract = True


class Plan(Limits):
    """A named set of limits. A limit left empty is none."""

    name = models.CharField(max_length=100, unique=True)
    is_default = models.BooleanField(default=False, help_text="for whoever has no plan of his own")
    span = models.CharField(max_length=8, choices=Span, default=Span.MONTH, help_text="how long a period is")
    time_zone = models.CharField(max_length=64, default="UTC", validators=[check_time_zone], help_text="where a period begins at midnight")
    reuse_percent = models.PositiveSmallIntegerField(
        default=0, validators=[MaxValueValidator(100)], help_text="of its price that an output costs which is served again"
    )
    upstream_fallback = models.BooleanField(
        default=False, help_text="where another server's voice fails, the one that stands in for it speaks; else the request fails"
    )
    retention_days = models.PositiveIntegerField(null=True, blank=True, help_text="that an output is kept; empty: until it is deleted")
    keep_transcripts = models.BooleanField(default=False, help_text="of live conversations: what was said by both sides stays to be read")

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["is_default"], condition=Q(is_default=True), name="plan_one_default")]

    def __str__(self) -> str:
        return self.name


class Override(Limits):
    """What differs from the plan for one user. A limit left empty is the plan's."""

    owner = models.OneToOneField(User, on_delete=models.CASCADE, related_name="override")
    reason = models.CharField(max_length=200, blank=True)

    def __str__(self) -> str:
        return f"limits of {self.owner}"


class Quota(models.Model):
    """What one owner has used of a period, and what is reserved for work that is under way. Seconds are counted in milliseconds."""

    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="quotas")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    characters = models.PositiveBigIntegerField(default=0)
    characters_reserved = models.PositiveBigIntegerField(default=0)
    speech_ms = models.PositiveBigIntegerField(default=0)
    speech_ms_reserved = models.PositiveBigIntegerField(default=0)
    transcription_ms = models.PositiveBigIntegerField(default=0)
    transcription_ms_reserved = models.PositiveBigIntegerField(default=0)
    conversion_ms = models.PositiveBigIntegerField(default=0)
    conversion_ms_reserved = models.PositiveBigIntegerField(default=0)

    objects = Owned.as_manager()

    class Meta:
        ordering = ["-starts_at"]
        constraints = [models.UniqueConstraint(fields=["owner", "starts_at"], name="quota_one_a_period")]

    def __str__(self) -> str:
        return f"{self.owner} from {self.starts_at:%Y-%m-%d %H:%M}"
