from __future__ import annotations

from collections.abc import Container, Iterator
from functools import partial
from typing import Any

from django.conf import settings
from django.http import HttpResponseBase, QueryDict
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from accounts.authentication import caller
from accounts.limits import CharactersLeft, UserWrites, allowed_to
from accounts.models import Scope
from accounts.replays import Asked
from config.errors import Refusal
from jobs.job_serializers import JobSerializer
from jobs.job_views import JobList
from jobs.negotiation import AnyAccept
from voice.briefs import LISTS, Brief, BriefItem, JobRequest, JobUpload, uploaded
from voice.delivery import Accepted, delivered
from voice.errors import ModelNotFound
from voice.models import Model, ModelAlias, Task
from voice.previews import preview
from voice.requests import PreviewRequest, SpeechRequest, wants_fresh
from voice.serializers import ModelListSerializer, ModelSerializer, PreviewSerializer
from voice.services import request_brief, request_speech

RAW_RESPONSE = "X-Stainless-Raw-Response"
# how the `openai` packages say that their caller reads the body as it comes
OWNER = "voice-platform"


class Speech(CharactersLeft):
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
        item, replayed = request_speech(
            owner=identity.user,
            api_key=identity.api_key,
            speech=speech,
            streamed=streamed,
            fresh=wants_fresh(request),
            asked=asked,
            allowed=allowed_to(request),
        )
        # whoever sent a key comes again with it
        return Accepted(item, sse=speech.stream_format == "sse", stays=speech.resume or asked.key is not None, replayed=replayed)


speech = delivered(Speech.as_view())


class SpeechPreview(APIView):
    scope = Scope.SPEECH
    throttle_classes = [UserWrites]

    @extend_schema(request=PreviewRequest, responses=PreviewSerializer)
    def post(self, request: Request) -> Response:
        """How a text will be read: its sentences, what is spoken for each of their words, and the characters that would be charged.

        Places are in the sentence, in characters. What is read as IPA stands between slashes. Nothing is spoken and nothing charged.
        """
        asked = PreviewRequest.model_validate(request.data)
        return Response(preview(owner=caller(request).user, asked=asked))


class Jobs(CharactersLeft, JobList):
    """The list of jobs, and the way to have many texts spoken at once."""

    parser_classes = [*APIView.parser_classes, MultiPartParser]
    largest_body = settings.MAX_BRIEF_BYTES

    def get_throttles(self) -> list[BaseThrottle]:
        return [UserWrites()] if self.request.method == "POST" else []

    @extend_schema(
        request={"application/json": JobRequest, "multipart/form-data": JobUpload},
        responses={202: JobSerializer},
    )
    def post(self, request: Request) -> Response:
        """Have up to 10,000 texts spoken, whatever happens meanwhile.

        Items are JSON, or the lines of a file: CSV with a heading of `input`, `ref`, `voice`, `language`, `speed`, `normalize`, `lexicon`,
        or JSON Lines of such objects. What is wrong with one of them refuses all of them, and names it.
        """
        identity = caller(request)
        done = request_brief(
            owner=identity.user,
            api_key=identity.api_key,
            asked=Asked.by(request),
            fresh=wants_fresh(request),
            read=partial(_brief, request),
        )
        headers = {"Location": f"/v1/jobs/{done.subject}", **({"idempotent-replayed": "true"} if done.replayed else {})}
        return Response(done.answer, status=202, headers=headers)


def _brief(request: Request) -> tuple[Brief, list[BriefItem]]:
    """What is asked for, from JSON or from a form with a file."""
    if not isinstance(request.data, QueryDict):
        sent = JobRequest.model_validate(request.data)
        return sent, sent.items
    brief = JobUpload.model_validate(dict(_fields(request.data, request.FILES)))
    if set(request.FILES) != {"file"}:
        raise Refusal("Send one file, as 'file'.", code="missing_required_parameter", param="file")
    return brief, uploaded(request.FILES["file"])


def _fields(form: QueryDict, files: Container[str]) -> Iterator[tuple[str, Any]]:
    """Of a form without its files. A list comes as a field for each member, whose name may end in brackets."""
    for sent in form:
        if sent not in files:
            name = sent.removesuffix("[]")
            yield (name, form.getlist(sent)) if name in LISTS else (sent, form[sent])


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
    shown = {"id": model.pk, "object": "model", "created": int(model.created_at.timestamp()), "owned_by": OWNER}
    if isinstance(model, ModelAlias):
        return shown
    shown |= {"task": model.task, "licence": model.licence, "clones": model.clones, "timed": model.timed}
    return shown | ({"languages": model.languages, "translates": model.translates} if model.task == Task.TRANSCRIPTION else {})
