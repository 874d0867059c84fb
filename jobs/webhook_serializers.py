from __future__ import annotations

from pydantic import Field
from rest_framework import serializers

from accounts.serializers import Body, UnixTime
from jobs.models import Delivery, Webhook
from jobs.models.webhooks import DeliveryState
from jobs.webhooks import secret


class NewWebhook(Body):
    url: str = Field(strict=True, description="https, with a public address")
    every_job: bool = Field(False, strict=True, description="Told of every job of yours, not only of those that name it")


class WebhookSerializer(serializers.ModelSerializer[Webhook]):
    object = serializers.SerializerMethodField()
    created_at = UnixTime()
    disabled_at = UnixTime(allow_null=True, help_text="Unix seconds. Nothing is sent to one that is disabled.")
    failing_since = UnixTime(allow_null=True, help_text="Unix seconds; none when the last delivery arrived.")

    class Meta:
        model = Webhook
        fields = ["id", "object", "url", "every_job", "created_at", "disabled_at", "failing_since"]
        read_only_fields = fields

    def get_object(self, _webhook: Webhook) -> str:
        return "webhook"


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
    created_at = UnixTime()
    next_try_at = serializers.SerializerMethodField()
    finished_at = UnixTime(allow_null=True)

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

    def get_next_try_at(self, delivery: Delivery) -> int | None:
        """Unix seconds; none when there will be no other."""
        return int(delivery.due_at.timestamp()) if delivery.state == DeliveryState.PENDING else None
