from __future__ import annotations

from typing import Any

from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import caller
from accounts.limits import UserWrites
from accounts.models import Scope
from accounts.replays import Asked
from jobs.negotiation import AnyAccept
from voice.delivery import Accepted, delivered
from voice.errors import ModelNotFound
from voice.models import Model, ModelAlias, Voice, VoiceAlias
from voice.requests import SpeechRequest
from voice.serializers import ModelListSerializer, ModelSerializer, VoiceListSerializer, VoiceSerializer
from voice.services import request_speech

RAW_RESPONSE = "X-Stainless-Raw-Response"
# how the `openai` packages say that their caller reads the body as it comes
OWNER = "voice-platform"


class Speech(APIView):
    scope = Scope.SPEECH
    throttle_classes = [UserWrites]
    content_negotiation_class = AnyAccept

    @extend_schema(
        request=SpeechRequest,
        responses={
            (200, "audio/mpeg"): OpenApiTypes.BINARY,
            (200, "text/event-stream"): OpenApiTypes.STR,
        },
    )
    def post(self, request: Request) -> HttpResponseBase:
        """Speak a text. The audio streams as it is made, in the format asked for.

        A WAV has exact sizes and so comes when all of it is made, unless the request says that it reads a stream (`stream_format`).
        """
        speech = SpeechRequest.model_validate(request.data)
        streamed = speech.response_format != "wav" or speech.stream_format is not None or request.headers.get(RAW_RESPONSE) == "stream"
        identity = caller(request)
        asked = Asked.by(request)
        fresh = "no-cache" in request.headers.get("Cache-Control", "").lower()
        item, replayed = request_speech(
            owner=identity.user, api_key=identity.api_key, speech=speech, streamed=streamed, fresh=fresh, asked=asked
        )
        # whoever sent a key comes again with it
        return Accepted(item, sse=speech.stream_format == "sse", stays=speech.resume or asked.key is not None, replayed=replayed)


speech = delivered(Speech.as_view())


class Voices(APIView):
    scope = None

    @extend_schema(responses=VoiceListSerializer)
    def get(self, request: Request) -> Response:
        """The voices that you may use."""
        voices = list(Voice.objects.visible_to(request.user))
        data = VoiceSerializer(voices, many=True).data
        aliases = VoiceAlias.objects.filter(voice__in=Voice.objects.stock().usable()).values_list("name", flat=True)
        names = [{"id": name, "name": name} for name in aliases] + [{"id": voice["id"], "name": voice["name"]} for voice in data]
        return Response({"object": "list", "data": data, "voices": names})


class Models(APIView):
    scope = None

    @extend_schema(responses=ModelListSerializer, operation_id="v1_models_list")
    def get(self, _request: Request) -> Response:
        """The models that there are, and the names that stand for one."""
        models = [*Model.objects.filter(enabled=True), *_aliases()]
        return Response({"object": "list", "data": [_shown(model) for model in models]})


class OneModel(APIView):
    scope = None

    @extend_schema(responses=ModelSerializer)
    def get(self, _request: Request, name: str) -> Response:
        model = Model.objects.filter(enabled=True, pk=name).first() or _aliases().filter(pk=name).first()
        if model is None:
            raise ModelNotFound(name, param=None)
        return Response(_shown(model))


def _aliases() -> Any:
    return ModelAlias.objects.exclude(model__enabled=False)


def _shown(model: Model | ModelAlias) -> dict[str, Any]:
    return {"id": model.pk, "object": "model", "created": int(model.created_at.timestamp()), "owned_by": OWNER}
