"""What was used, for ever."""

from __future__ import annotations

from django.db import models
from django.db.models import F
from django.db.models.functions import Now

from accounts.models.people import ApiKey, Owned, User

MILLISECONDS = 1000
# in a second


class Usage(models.Model):
    """The ledger: one row an item, never changed. What an owner has used in a period adds up to the Quota's row of it."""

    item_id = models.CharField(max_length=40, unique=True)
    owner = models.ForeignKey(User, on_delete=models.PROTECT, related_name="usage")
    api_key = models.ForeignKey(ApiKey, null=True, blank=True, on_delete=models.SET_NULL, related_name="usage")
    kind = models.CharField(max_length=32)
    # of work; which seconds of a Quota these are
    period_starts_at = models.DateTimeField()
    # of the Quota that was charged
    characters = models.PositiveBigIntegerField()
    milliseconds = models.PositiveBigIntegerField()
    # of audio made or heard; whole, so that every database adds them up alike
    reused = models.BooleanField(default=False)
    # nothing was made: a stored output was served again
    voice = models.CharField(max_length=100)
    model = models.CharField(max_length=100)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = Owned.as_manager()

    class Meta:
        verbose_name_plural = "usage"
        indexes = [
            models.Index(F("owner"), F("created_at").desc(), name="usage_of_owner"),
            models.Index(fields=["owner", "period_starts_at", "kind"], name="usage_of_period"),
            models.Index(fields=["created_at"], name="usage_by_time"),
        ]

    def __str__(self) -> str:
        return self.item_id

    @property
    def seconds(self) -> float:
        return self.milliseconds / MILLISECONDS


class UsageDay(models.Model):
    """What the ledger adds up to for one owner on one day, UTC, that is over: what a month was need not be added up anew."""

    day = models.DateField()
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+", db_index=False)
    kind = models.CharField(max_length=32)
    # as in the ledger
    items = models.PositiveIntegerField()
    characters = models.PositiveBigIntegerField()
    milliseconds = models.PositiveBigIntegerField()

    objects = Owned.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["day", "owner", "kind"], name="usage_day_once")]

    def __str__(self) -> str:
        return f"{self.day} {self.owner} {self.kind}"
