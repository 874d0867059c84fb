from __future__ import annotations

from typing import Any

from django.core.files.uploadedfile import UploadedFile
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
from voice.custom_requests import form_with
from voice.delivery import delivered
from voice.requests import wants_fresh
from voice.serializers import TranscriptionSerializer
from voice.transcript_delivery import Heard
from voice.transcription_requests import TranscriptionRequest, TranslationRequest, form_fields
from voice.transcriptions import request_transcription
from voice.uploads import AudioForm, file_of

FILE = "file"
ANSWERS: dict[Any, Any] = {
    (200, "application/json"): TranscriptionSerializer,
    (200, "text/plain"): OpenApiTypes.STR,
    (200, "text/event-stream"): OpenApiTypes.STR,
}


class Transcription(APIView):
    scope = Scope.TRANSCRIPTION
    parser_classes = [AudioForm]
    throttle_classes = [UserWrites]
    content_negotiation_class = AnyAccept

    @extend_schema(request=form_with(TranscriptionRequest, FILE), responses=ANSWERS)
    def post(self, request: Request) -> HttpResponseBase:
        """What is said in a recording, in the response_format asked for; what is kept of it is a JSON of segments and words."""
        upload = file_of(request, FILE)
        wanted = TranscriptionRequest.model_validate(form_fields(request))
        return _accepted(request, upload, wanted, streamed=wanted.stream)


class Translation(APIView):
    scope = Scope.TRANSCRIPTION
    parser_classes = [AudioForm]
    throttle_classes = [UserWrites]
    content_negotiation_class = AnyAccept

    @extend_schema(request=form_with(TranslationRequest, FILE), responses=ANSWERS)
    def post(self, request: Request) -> HttpResponseBase:
        """What is said in a recording, in English, by a model that translates."""
        upload = file_of(request, FILE)
        return _accepted(request, upload, TranslationRequest.model_validate(form_fields(request)), streamed=False)


def _accepted(request: Request, upload: UploadedFile[Any], wanted: TranslationRequest, *, streamed: bool) -> Heard:
    identity = caller(request)
    asked = Asked.by(request)
    item, replayed = request_transcription(
        owner=identity.user,
        api_key=identity.api_key,
        wanted=wanted,
        upload=upload,
        fresh=wants_fresh(request),
        asked=asked,
    )
    return Heard(item, shape=wanted.shape, sse=streamed, stays=asked.key is not None, replayed=replayed)


transcription = delivered(Transcription.as_view())
translation = delivered(Translation.as_view())
