from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import IsAdminUser, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import HasScope
from accounts.models import Scope
from accounts.serializers import UnixTime
from jobs.models import Worker


class WorkerSerializer(serializers.ModelSerializer[Worker]):
    """A process that makes items, as it last reported itself."""

    object = serializers.SerializerMethodField()
    started_at = UnixTime()
    seen_at = UnixTime()

    class Meta:
        model = Worker
        fields = ["id", "object", "threads", "queues", "device", "loaded", "items", "started_at", "seen_at"]

    def get_object(self, _worker: Worker) -> str:
        return "worker"


class WorkerListSerializer(serializers.Serializer[Any]):
    object = serializers.CharField()
    data = WorkerSerializer(many=True)  # type: ignore[assignment]  # the name is the contract's


class Workers(APIView):
    permission_classes = [IsAuthenticated, HasScope, IsAdminUser]
    scope = Scope.ACCOUNT

    @extend_schema(responses=WorkerListSerializer)
    def get(self, _request: Request) -> Response:
        """The workers that are alive: what they compute on, which models they hold, what they are at. For staff."""
        workers = Worker.objects.alive().order_by("id")
        return Response({"object": "list", "data": WorkerSerializer(workers, many=True).data})
