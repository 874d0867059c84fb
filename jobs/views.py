from __future__ import annotations

from typing import NoReturn

from django.db.models import QuerySet
from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import Scope
from config.errors import NotFound
from jobs.content import being_made, content
from jobs.errors import Gone, NotReady
from jobs.models import OPEN, Item, Output, State
from jobs.negotiation import AnyAccept
from jobs.serializers import DeletedSerializer, OutputSerializer
from jobs.storage import forget


class Outputs(generics.ListAPIView[Output]):
    """What was generated for you and is kept, newest first."""

    scope = Scope.OUTPUTS
    serializer_class = OutputSerializer

    def get_queryset(self) -> QuerySet[Output]:
        return Output.objects.of(self.request.user).listed()


class OneOutput(APIView):
    scope = Scope.OUTPUTS

    @extend_schema(responses=OutputSerializer)
    def get(self, request: Request, pk: str) -> Response:
        """One output: its format, length, checksum and the configuration that made it."""
        return Response(OutputSerializer(find_output(request, pk)).data)

    @extend_schema(responses=DeletedSerializer)
    def delete(self, request: Request, pk: str) -> Response:
        """Forget an output: its row and its bytes."""
        forget(find_output(request, pk))
        return Response({"id": pk, "object": "output.deleted", "deleted": True})


class OutputContent(APIView):
    scope = Scope.OUTPUTS
    content_negotiation_class = AnyAccept

    @extend_schema(
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY, (206, "application/octet-stream"): OpenApiTypes.BINARY}
    )
    def get(self, request: Request, pk: str) -> HttpResponseBase:
        """The bytes of an output; `Range` and `If-None-Match` are understood. One that is being made is followed to its end.

        A client that lost its connection goes on with `Range: bytes=N-`, N being the bytes that it has.
        """
        item = Item.objects.of(request.user).filter(output_id=pk, state__in=OPEN, store=True, job__listed=True).first()
        return being_made(request._request, item) if item else content(request._request, find_output(request, pk))


def find_output(request: Request, pk: str) -> Output:
    output: Output | None = Output.objects.of(request.user).listed().select_related("blob").filter(pk=pk).first()
    return output if output is not None else _say_why_not(request, pk)


def _say_why_not(request: Request, pk: str) -> NoReturn:
    item = Item.objects.of(request.user).filter(output_id=pk, job__listed=True).first()
    if item is None or (item.state == State.COMPLETED and item.store):
        raise NotFound("There is no such output.")
    if item.state in OPEN:
        raise NotReady
    raise Gone
