from __future__ import annotations

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import generics, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from accounts.authentication import caller
from accounts.limits import UserWrites
from accounts.models import Scope
from config.errors import NotFound
from jobs import webhooks
from jobs.models import Delivery, Webhook
from jobs.serializers import DeletedSerializer
from jobs.webhook_serializers import DeliverySerializer, NewWebhook, SecretWebhookSerializer, WebhookSerializer


class Webhooks(generics.ListAPIView[Webhook]):
    """Your webhooks, newest first."""

    scope = Scope.JOBS
    serializer_class = WebhookSerializer

    def get_throttles(self) -> list[BaseThrottle]:
        return [UserWrites()] if self.request.method == "POST" else []

    def get_queryset(self) -> QuerySet[Webhook]:
        return Webhook.objects.of(self.request.user)

    @extend_schema(request=NewWebhook, responses={201: SecretWebhookSerializer})
    def post(self, request: Request) -> Response:
        """Have an address told when jobs are over. The answer holds the secret to verify with; one that is there already is shown again."""
        wanted = NewWebhook.model_validate(request.data)
        webhook = webhooks.register(caller(request).user, wanted.url, every_job=wanted.every_job)
        return Response(SecretWebhookSerializer(webhook).data, status=status.HTTP_201_CREATED)


class OneWebhook(APIView):
    scope = Scope.JOBS

    def get_throttles(self) -> list[BaseThrottle]:
        return [UserWrites()] if self.request.method == "DELETE" else []

    @extend_schema(responses=WebhookSerializer)
    def get(self, request: Request, pk: str) -> Response:
        """One webhook: whether it is reached, and since when not."""
        return Response(WebhookSerializer(_find(request, pk)).data)

    @extend_schema(responses=DeletedSerializer)
    def delete(self, request: Request, pk: str) -> Response:
        """Send nothing there any more, and forget what was sent."""
        webhooks.remove(_find(request, pk))
        return Response({"id": pk, "object": "webhook.deleted", "deleted": True})


class RotateSecret(APIView):
    scope = Scope.JOBS
    throttle_classes = [UserWrites]

    @extend_schema(request=None, responses=SecretWebhookSerializer)
    def post(self, request: Request, pk: str) -> Response:
        """Another secret. For 24 hours everything is signed with the one before as well; one more change within them ends that."""
        webhook = _find(request, pk)
        webhooks.rotate(webhook)
        return Response(SecretWebhookSerializer(webhook).data)


class EnableWebhook(APIView):
    scope = Scope.JOBS
    throttle_classes = [UserWrites]

    @extend_schema(request=None, responses=WebhookSerializer)
    def post(self, request: Request, pk: str) -> Response:
        """Send there again. What failed meanwhile is not sent again."""
        webhooks.enable(_find(request, pk))
        return Response(WebhookSerializer(_find(request, pk)).data)


class TryWebhook(APIView):
    scope = Scope.JOBS
    throttle_classes = [UserWrites]

    @extend_schema(request=None, responses={202: DeliverySerializer})
    def post(self, request: Request, pk: str) -> Response:
        """Send a `webhook.test`. What came of it is in the list of deliveries."""
        delivery = webhooks.try_out(_find(request, pk))
        return Response(DeliverySerializer(delivery).data, status=status.HTTP_202_ACCEPTED)


class Deliveries(generics.ListAPIView[Delivery]):
    """What was sent there and what came of it, newest first."""

    scope = Scope.JOBS
    serializer_class = DeliverySerializer

    def get_queryset(self) -> QuerySet[Delivery]:
        deliveries: QuerySet[Delivery] = _find(self.request, self.kwargs["pk"]).deliveries.all()
        return deliveries


def _find(request: Request, pk: str) -> Webhook:
    webhook: Webhook | None = Webhook.objects.of(request.user).filter(pk=pk).first()
    if webhook is None:
        raise NotFound("There is no such webhook.")
    return webhook
