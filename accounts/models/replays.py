"""Requests that came with a name of their own, so that the same one twice is done once."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from accounts.models.people import Owned, User

LONGEST_KEY = 255
SHOWN = 4
# last characters of a key; whoever knew all of it could ask for the answer


class Replay(models.Model):
    """The first answer to an `Idempotency-Key`, written in the transaction that did what was asked.

    Whoever comes with the same key meanwhile waits at the unique constraint for that transaction's end: no state is needed for it.
    """

    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=LONGEST_KEY)
    fingerprint = models.CharField(max_length=64)
    # SHA-256 of the route and the body
    subject = models.CharField(max_length=40, blank=True)
    # the id of what the request made
    answer = models.JSONField(null=True)
    # its body, where it is one that can be said again
    created_at = models.DateTimeField(db_default=Now(), editable=False, db_index=True)

    objects = Owned.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["owner", "key"], name="replay_one_a_key")]

    def __str__(self) -> str:
        return f"…{self.key[-SHOWN:]}"
