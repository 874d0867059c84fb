"""The end of an account: asked for by staff, done by a worker, written down."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.models.people import User


class RemovalState(models.TextChoices):
    UNDER_WAY = "under_way"
    STOPPED = "stopped"
    # by something that is under legal hold
    DONE = "done"


class RemovalRows(models.QuerySet["Removal"]):
    def in_force(self) -> Self:
        """Of accounts that nobody is let into any more."""
        return self.exclude(state=RemovalState.STOPPED)


class Removal(models.Model):
    """Of everything that an account has stored. Of the account itself a nameless row stays, for the ledger and the log refer to it."""

    owner = models.OneToOneField(User, on_delete=models.CASCADE, related_name="removal")
    asked_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    state = models.CharField(max_length=16, choices=RemovalState, default=RemovalState.UNDER_WAY)
    total = models.PositiveIntegerField(default=0)
    # rows and files that there were to be removed when it was asked for
    removed = models.PositiveIntegerField(default=0)
    problem = models.CharField(max_length=500, blank=True)
    asked_at = models.DateTimeField(db_default=Now(), editable=False)
    finished_at = models.DateTimeField(null=True, editable=False)

    objects = RemovalRows.as_manager()

    class Meta:
        indexes = [models.Index(fields=["id"], condition=Q(state="under_way"), name="removal_under_way")]

    def __str__(self) -> str:
        return f"{self.owner_id}: {self.state}"
