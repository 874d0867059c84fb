from __future__ import annotations

from pydantic import Field
from rest_framework import serializers

from accounts.serializers import Body
from jobs.job_serializers import unix
from jobs.models import Delivery, Webhook
from jobs.models.webhooks import DeliveryState
from jobs.webhooks import secret


class NewWebhook(Body):
    url: str = Field(strict=True, description="https, with a public address")
    every_job: bool = Field(False, strict=True, description="Told of every job of yours, not only of those that name it")


class WebhookSerializer(serializers.ModelSerializer[Webhook]):
    object = serializers.SerializerMethodField()
    created_at = serializers.SerializerMethodField()
    disabled_at = serializers.SerializerMethodField()
    failing_since = serializers.SerializerMethodField()

    class Meta:
        model = Webhook
        fields = ["id", "object", "url", "every_job", "created_at", "disabled_at", "failing_since"]
        read_only_fields = fields

    def get_object(self, _webhook: Webhook) -> str:
        return "webhook"

    def get_created_at(self, webhook: Webhook) -> int | None:
        """Unix seconds."""
        return unix(webhook.created_at)

    def get_disabled_at(self, webhook: Webhook) -> int | None:
        """Unix seconds. Nothing is sent to one that is disabled."""
        return unix(webhook.disabled_at)

    def get_failing_since(self, webhook: Webhook) -> int | None:
        """Unix seconds; none when the last delivery arrived."""
        return unix(webhook.failing_since)


class SecretWebhookSerializer(WebhookSerializer):
    secret = serializers.SerializerMethodField()

    class Meta(WebhookSerializer.Meta):
        fields = [*WebhookSerializer.Meta.fields, "secret"]

    def get_secret(self, webhook: Webhook) -> str:
        """What its receiver verifies signatures with."""
        return secret(webhook)


class DeliverySerializer(serializers.ModelSerializer[Delivery]):
    object = serializers.SerializerMethodField()
    webhook_id = serializers.CharField(read_only=True)
    job_id = serializers.CharField(read_only=True, allow_null=True)
    payload = serializers.DictField(read_only=True)
    created_at = serializers.SerializerMethodField()
    next_try_at = serializers.SerializerMethodField()
    finished_at = serializers.SerializerMethodField()

    class Meta:
        model = Delivery
        fields = [
            "id",
            "object",
            "webhook_id",
            "job_id",
            "event",
            "payload",
            "state",
            "attempt",
            "response_status",
            "error",
            "created_at",
            "next_try_at",
            "finished_at",
        ]
        read_only_fields = fields

    def get_object(self, _delivery: Delivery) -> str:
        return "webhook.delivery"

    def get_created_at(self, delivery: Delivery) -> int | None:
        """Unix seconds."""
        return unix(delivery.created_at)

    def get_next_try_at(self, delivery: Delivery) -> int | None:
        """Unix seconds; none when there will be no other."""
        return unix(delivery.due_at) if delivery.state == DeliveryState.PENDING else None

    def get_finished_at(self, delivery: Delivery) -> int | None:
        """Unix seconds."""
        return unix(delivery.finished_at)
