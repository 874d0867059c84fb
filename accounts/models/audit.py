"""What staff did, in one list that is only ever added to."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.db.models.functions import Now

LONGEST_NAME = 200


class Deed(models.TextChoices):
    ADDED = "added"
    CHANGED = "changed"
    DELETED = "deleted"
    HEARD = "heard", "listened to or downloaded"
    SIGNED_IN = "signed_in", "signed in"
    SIGNED_OUT = "signed_out", "signed out"
    NOT_LET_IN = "not_let_in", "sign-in failed"


class AuditEntry(models.Model):
    """One deed. It outlives whoever did it and what it was done to: their names stand beside the links to them."""

    at = models.DateTimeField(db_default=Now(), editable=False, db_index=True)
    who = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    who_name = models.CharField(max_length=LONGEST_NAME, blank=True)
    # of a sign-in that failed: the name that was tried
    deed = models.CharField(max_length=16, choices=Deed)
    kind = models.ForeignKey(ContentType, null=True, on_delete=models.SET_NULL, related_name="+")
    # of the row that it was done to
    row_id = models.CharField(max_length=LONGEST_NAME, blank=True)
    row_name = models.CharField(max_length=LONGEST_NAME, blank=True)
    detail = models.TextField(blank=True)
    # what was done in words, and why where that was said
    address = models.CharField(max_length=64, blank=True)
    # from where
    request_id = models.CharField(max_length=40, blank=True)
    # by which the log knows more

    class Meta:
        verbose_name_plural = "audit log"
        indexes = [models.Index(fields=["kind", "row_id"], name="audit_of_row")]

    def __str__(self) -> str:
        return f"{self.who_name} {self.get_deed_display()} {self.row_name}".strip()

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Written once."""
        super().save(*args, **{**kwargs, "force_insert": True})
