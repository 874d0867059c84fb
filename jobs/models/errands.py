"""What staff have done to many jobs at once, and which reasons of failures they have seen."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from accounts.ids import new_id

TURN = timedelta(minutes=2)
# how long one worker has an errand to itself after it was last heard of
MOST_NOTES = 50
# of refusals and results that are kept


class ErrandRows(models.QuerySet["Errand"]):
    def open(self) -> Self:
        return self.filter(finished_at=None)

    def waiting(self) -> Self:
        """Not over, and nobody is at it."""
        return self.open().filter(Q(taken_until=None) | Q(taken_until__lt=Now()))


class Errand(models.Model):
    """One thing to be done to each of many jobs, by a worker: it would take longer than a request may."""

    id = models.CharField(primary_key=True, max_length=40, default=partial(new_id, "errand"), editable=False)
    deed = models.CharField(max_length=32)
    # a name of `jobs.errands`
    options = models.JSONField(default=dict)
    job_ids = models.JSONField(default=list)
    # done in this order
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    # of `job_ids`, refusals included
    refused = models.PositiveIntegerField(default=0)
    notes = models.JSONField(default=list)
    # what was refused and what came of the rest, the first of them
    who = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    who_name = models.CharField(max_length=200, blank=True)
    address = models.CharField(max_length=64, blank=True)
    request_id = models.CharField(max_length=40, blank=True)
    # the three are for the audit log
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    taken_until = models.DateTimeField(null=True, editable=False)
    finished_at = models.DateTimeField(null=True, editable=False)

    objects = ErrandRows.as_manager()

    class Meta:
        indexes = [models.Index(fields=["id"], condition=Q(finished_at=None), name="errand_open")]

    def __str__(self) -> str:
        return self.id

    def take(self) -> bool:
        """Have it to oneself; False when another worker has it, or it is over."""
        return Errand.objects.waiting().filter(pk=self.pk).update(taken_until=Now() + TURN) == 1

    def step(self, *, note: dict[str, Any] | None, refused: bool) -> bool:
        """Count one job as done; False when another worker has gone on with it meanwhile."""
        if note is not None and len(self.notes) < MOST_NOTES:
            self.notes = [*self.notes, note]
        fields: dict[str, Any] = {
            "done": F("done") + 1,
            "refused": F("refused") + int(refused),
            "notes": self.notes,
            "taken_until": Now() + TURN,
        }
        stepped = Errand.objects.filter(pk=self.pk, done=self.done).update(**fields)
        self.done += 1
        return stepped == 1

    def finish(self) -> None:
        Errand.objects.filter(pk=self.pk, done=F("total")).update(finished_at=Now(), taken_until=None)

    def give_back(self) -> None:
        Errand.objects.open().filter(pk=self.pk).update(taken_until=None)


class Failure(models.Model):
    """A reason for which items fail, and until when staff have seen those that did."""

    code = models.CharField(primary_key=True, max_length=64)
    seen_until = models.DateTimeField()
    # what failed later is new
    seen_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    seen_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = "failure"
        verbose_name_plural = "failure inbox"

    def __str__(self) -> str:
        return self.code
