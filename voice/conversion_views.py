from __future__ import annotations

from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.authentication import caller
from accounts.limits import UserWrites
from accounts.models import Scope
from accounts.replays import Asked
from jobs.negotiation import AnyAccept
from voice.conversions import ConversionRequest, request_conversion
from voice.custom_requests import fields_of, form_with
from voice.delivery import Accepted, delivered
from voice.requests import wants_fresh
from voice.uploads import AudioForm, file_of

FILE = "file"


class Conversion(APIView):
    scope = Scope.SPEECH
    parser_classes = [AudioForm]
    throttle_classes = [UserWrites]
    content_negotiation_class = AnyAccept

    @extend_schema(
        request=form_with(ConversionRequest, FILE),
        responses={(200, "audio/mpeg"): OpenApiTypes.BINARY},
    )
    def post(self, request: Request) -> HttpResponseBase:
        """The same words by another voice: a recording in, the voice that it is to be in out, piece by piece as it is made."""
        identity = caller(request)
        asked = Asked.by(request)
        item, replayed = request_conversion(
            owner=identity.user,
            api_key=identity.api_key,
            wanted=ConversionRequest.model_validate(fields_of(request)),
            upload=file_of(request, FILE),
            fresh=wants_fresh(request),
            asked=asked,
        )
        return Accepted(item, sse=False, stays=asked.key is not None, replayed=replayed)


conversion = delivered(Conversion.as_view())
