from __future__ import annotations

from datetime import datetime
from typing import Any

from rest_framework import serializers

from accounts.serializers import UnixTime
from jobs.models import Item, Job, State

WHOLE = 100
# per cent


class JobSerializer(serializers.ModelSerializer[Job]):
    object = serializers.SerializerMethodField()
    counts = serializers.SerializerMethodField()
    progress = serializers.SerializerMethodField()
    webhook_url = serializers.SerializerMethodField()
    created_at = UnixTime()
    started_at = UnixTime(allow_null=True)
    finished_at = UnixTime(allow_null=True)
    metadata = serializers.DictField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = Job
        fields = [
            "id",
            "object",
            "kind",
            "name",
            "metadata",
            "priority",
            "state",
            "counts",
            "progress",
            "webhook_url",
            "created_at",
            "started_at",
            "finished_at",
        ]
        read_only_fields = fields

    def get_object(self, _job: Job) -> str:
        return "job"

    def get_counts(self, job: Job) -> dict[str, int]:
        """Items by state; `pending` are those that are queued or running."""
        counts = {"total": job.total, "completed": job.completed, "failed": job.failed, "cancelled": job.cancelled}
        return {**counts, "pending": job.total - job.ended}

    def get_progress(self, job: Job) -> int:
        """Per cent of the items that are over; 100 only when all are."""
        return min(WHOLE, job.ended * WHOLE // job.total) if job.total else 0

    def get_webhook_url(self, job: Job) -> str | None:
        return job.webhook.url if job.webhook else None


class JobStatusSerializer(JobSerializer):
    """One job, with what has to be counted for it."""

    running = serializers.SerializerMethodField()
    queue_position = serializers.SerializerMethodField()
    eta_seconds = serializers.SerializerMethodField()

    class Meta(JobSerializer.Meta):
        fields = [*JobSerializer.Meta.fields, "running", "queue_position", "eta_seconds"]

    def get_running(self, job: Job) -> int:
        """Items that are being made."""
        return job.items.filter(state=State.RUNNING).count()

    def get_queue_position(self, job: Job) -> int | None:
        """How many jobs, anybody's, are open that came before; none once it has begun."""
        return Job.objects.open().filter(pk__lt=job.pk).count() if job.state == State.QUEUED else None

    def get_eta_seconds(self, job: Job) -> float | None:
        """Seconds to the end at the speed so far; none where there is no speed yet, or no end to come."""
        now: datetime = self.context["now"]
        if job.finished_at is not None or job.started_at is None or not job.ended:
            return None
        return round((now - job.started_at).total_seconds() / job.ended * (job.total - job.ended), 1)


class ItemSerializer(serializers.ModelSerializer[Item]):
    object = serializers.SerializerMethodField()
    input = serializers.CharField(source="text", read_only=True)
    job_id = serializers.CharField(read_only=True)
    voice = serializers.SerializerMethodField()
    output_id = serializers.SerializerMethodField()
    error = serializers.SerializerMethodField()
    created_at = UnixTime()
    finished_at = UnixTime(allow_null=True)

    class Meta:
        model = Item
        fields = [
            "id",
            "object",
            "job_id",
            "position",
            "ref",
            "input",
            "voice",
            "format",
            "state",
            "attempt",
            "output_id",
            "error",
            "created_at",
            "finished_at",
        ]
        read_only_fields = fields

    def get_object(self, _item: Item) -> str:
        return "item"

    def get_voice(self, item: Item) -> str:
        return str(item.options.get("voice", ""))

    def get_output_id(self, item: Item) -> str | None:
        """What was made of it; none until it is, or when it was not to be kept."""
        return item.output_id if item.state == State.COMPLETED and item.store else None

    def get_error(self, item: Item) -> dict[str, Any] | None:
        """Why it has failed."""
        return {"code": item.error_code, "message": item.error_message} if item.error_code and item.state != State.COMPLETED else None
