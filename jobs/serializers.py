from __future__ import annotations

from typing import Any

from rest_framework import serializers

from accounts.serializers import UnixTime
from jobs.models import Output


class OutputSerializer(serializers.ModelSerializer[Output]):
    object = serializers.SerializerMethodField()
    created_at = UnixTime()
    job_id = serializers.CharField(read_only=True)
    item_id = serializers.CharField(read_only=True)
    configuration = serializers.JSONField(read_only=True)

    class Meta:
        model = Output
        fields = ["id", "object", "job_id", "item_id", "format", "media_type", "seconds", "bytes", "sha256", "configuration", "created_at"]
        read_only_fields = fields

    def get_object(self, _output: Output) -> str:
        return "output"


class DeletedSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    object = serializers.CharField()
    deleted = serializers.BooleanField()
