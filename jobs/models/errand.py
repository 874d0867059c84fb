"""What staff want one worker to do: it looks for such rows as often as it reports itself."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models.functions import Now

from jobs.models.worker import Worker

LONGEST_TOLD = 500
# characters of what came of an errand that are kept


class Verb(models.TextChoices):
    LOAD = "load"
    UNLOAD = "unload"


class ErrandState(models.TextChoices):
    ASKED = "asked"
    BEGUN = "begun"
    DONE = "done"
    FAILED = "failed"


class ErrandRows(models.QuerySet["Errand"]):
    def for_worker(self, name: str) -> Self:
        return self.filter(worker_id=name, state=ErrandState.ASKED).order_by("pk")


class Errand(models.Model):
    """It goes with its worker: another process holds other models."""

    worker = models.ForeignKey(Worker, on_delete=models.CASCADE, related_name="errands")
    verb = models.CharField(max_length=8, choices=Verb)
    subject = models.CharField(max_length=100)
    # the name of a model
    state = models.CharField(max_length=8, choices=ErrandState, default=ErrandState.ASKED)
    told = models.CharField(max_length=LONGEST_TOLD, blank=True)
    # what came of it
    asked_at = models.DateTimeField(db_default=Now(), editable=False)
    finished_at = models.DateTimeField(null=True, editable=False)

    objects = ErrandRows.as_manager()

    def __str__(self) -> str:
        return f"{self.verb} {self.subject}"

    def begin(self) -> bool:
        """False when it was begun before."""
        return Errand.objects.filter(pk=self.pk, state=ErrandState.ASKED).update(state=ErrandState.BEGUN) == 1

    def finish(self, state: ErrandState, told: str) -> None:
        Errand.objects.filter(pk=self.pk).update(state=state, told=told[:LONGEST_TOLD], finished_at=Now())
