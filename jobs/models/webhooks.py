"""Who is told when a job is over, and what became of the telling."""

from __future__ import annotations

from functools import partial
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.ids import new_id
from accounts.models import Owned


class WebhookRows(Owned):
    def every(self) -> Self:
        """Those that are told of every job."""
        return self.filter(every_job=True, disabled_at=None)


class Webhook(models.Model):
    """An address of an owner's. Its signing secret is not kept but derived from the row, and so changes with `generation`."""

    id = models.CharField(primary_key=True, max_length=40, default=partial(new_id, "hook"), editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="webhooks")
    url = models.URLField(max_length=2000)
    every_job = models.BooleanField(default=False)
    # told of every job of the owner's, not only of those that name it
    generation = models.PositiveIntegerField(default=1, editable=False)
    rotated_at = models.DateTimeField(null=True, editable=False)
    # when the secret was last changed; for a while both are signed with
    failing_since = models.DateTimeField(null=True, blank=True, editable=False)
    # the first of the failures since it last answered
    disabled_at = models.DateTimeField(null=True, blank=True, editable=False)
    # after which nothing is sent there
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = WebhookRows.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["owner", "url"], name="webhook_one_an_address")]

    def __str__(self) -> str:
        return self.id


class DeliveryState(models.TextChoices):
    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class DeliveryRows(Owned):
    def due(self) -> Self:
        return self.filter(state=DeliveryState.PENDING, due_at__lte=Now())

    def announce(self, *, owner_id: Any, webhook_id: str | None, job_id: str, event: str, data: dict[str, Any]) -> None:
        """Write a delivery for every webhook that is to be told of a job, in the transaction of what there is to tell."""
        told = Webhook.objects.filter(owner_id=owner_id, disabled_at=None).filter(Q(every_job=True) | Q(pk=webhook_id))
        self.bulk_create(self.model(owner_id=owner_id, webhook=webhook, job_id=job_id, event=event, payload=data) for webhook in told)


class Delivery(models.Model):
    """One event for one webhook, written in the transaction of what it tells. Its id is the event's, the same at every try."""

    id = models.CharField(primary_key=True, max_length=40, default=partial(new_id, "msg"), editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries")
    job = models.ForeignKey("jobs.Job", null=True, blank=True, on_delete=models.CASCADE, related_name="deliveries")
    # that it tells of; empty for a test
    event = models.CharField(max_length=64)
    payload = models.JSONField()
    state = models.CharField(max_length=16, choices=DeliveryState, default=DeliveryState.PENDING)
    attempt = models.PositiveSmallIntegerField(default=0)
    # tries begun
    due_at = models.DateTimeField(db_default=Now(), editable=False)
    # not before; while it is being tried, when it may be taken for lost
    response_status = models.PositiveSmallIntegerField(null=True)
    # of the last try; empty when there was no answer
    response = models.TextField(blank=True, db_default="", default="")
    # and the beginning of what it said
    error = models.CharField(max_length=500, blank=True)
    # why the last try failed
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    finished_at = models.DateTimeField(null=True, editable=False)

    objects = DeliveryRows.as_manager()

    class Meta:
        verbose_name_plural = "deliveries"
        indexes = [
            models.Index(fields=["due_at"], condition=Q(state="pending"), name="delivery_due"),
            models.Index(fields=["webhook", "-id"], name="delivery_of_webhook"),
        ]

    def __str__(self) -> str:
        return self.id
