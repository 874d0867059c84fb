"""Links by which anybody may download an output for a while. A link is a signature and no row: it can't be taken back, it runs out.

It is signed with SECRET_KEY under a salt of its own, and stands in the query, which is not logged.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.core import signing
from django.http import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from pydantic import Field
from rest_framework import serializers, status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.limits import UserWrites
from accounts.models import Scope
from accounts.serializers import Body
from config.errors import NotFound
from jobs.content import content
from jobs.models import Output
from jobs.negotiation import AnyAccept
from jobs.views import find_output

SALT = "jobs.link"
SHORTEST = 60
LONGEST = int(timedelta(days=7).total_seconds())
ORDINARY = int(timedelta(hours=1).total_seconds())
# seconds


class InvalidLink(NotFound):
    code = "invalid_link"
    message = "This link is not valid, or no longer. Ask whoever sent it for another."


class NewLink(Body):
    expires_in: int = Field(ORDINARY, ge=SHORTEST, le=LONGEST, strict=True, description="Seconds")


class LinkSerializer(serializers.Serializer[Any]):
    object = serializers.CharField()
    url = serializers.URLField()
    expires_at = serializers.IntegerField(help_text="Unix seconds")


class OutputLinks(APIView):
    scope = Scope.OUTPUTS
    throttle_classes = [UserWrites]

    @extend_schema(request=NewLink, responses={201: LinkSerializer})
    def post(self, request: Request, pk: str) -> Response:
        """A link to an output's bytes, good for anybody who has it until it expires, and no longer than the output is kept."""
        wanted = NewLink.model_validate(request.data)
        output = find_output(request, pk)
        ends = [timezone.now() + timedelta(seconds=wanted.expires_in), *([output.expires_at] if output.expires_at else [])]
        expires_at = int(min(ends).timestamp())
        token = signing.dumps([output.pk, expires_at], salt=SALT)
        url = request.build_absolute_uri(f"{reverse('link')}?{urlencode({'token': token})}")
        return Response({"object": "output.link", "url": url, "expires_at": expires_at}, status=status.HTTP_201_CREATED)


class Link(APIView):
    authentication_classes = []
    permission_classes = [AllowAny]
    content_negotiation_class = AnyAccept

    @extend_schema(
        parameters=[OpenApiParameter("token", required=True)],
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY, (206, "application/octet-stream"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request) -> HttpResponseBase:
        """The bytes of the output that a link is for; `Range` and `If-None-Match` are understood."""
        return content(request._request, _linked(request.query_params.get("token", "")))


def _linked(token: str) -> Output:
    """The output that a token is for. InvalidLink when it is not ours, expired, or its output or owner is no longer there."""
    try:
        pk, expires_at = signing.loads(token, salt=SALT)
    except signing.BadSignature:
        raise InvalidLink from None
    output: Output | None = Output.objects.filter(pk=pk, owner__is_active=True).first()
    if output is None or timezone.now().timestamp() >= expires_at:
        raise InvalidLink
    return output
