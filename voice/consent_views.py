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
from accounts.replays import Asked
from jobs.serializers import DeletedSerializer
from voice import consents
from voice.custom_requests import ConsentChange, NewConsent, fields_of, form_with
from voice.custom_serializers import ConsentSerializer, PhraseListSerializer
from voice.errors import ConsentNotFound
from voice.models import Consent
from voice.phrases import phrases
from voice.uploads import AudioForm, file_of


class Consents(generics.ListAPIView[Consent]):
    """Your speakers' consents, newest first."""

    scope = Scope.VOICES
    serializer_class = ConsentSerializer
    parser_classes = [AudioForm]

    def get_throttles(self) -> list[BaseThrottle]:
        return [UserWrites()] if self.request.method == "POST" else []

    def get_queryset(self) -> QuerySet[Consent]:
        rows: QuerySet[Consent] = Consent.objects.of(self.request.user).present()
        return rows

    @extend_schema(request=form_with(NewConsent, "recording"), responses={201: ConsentSerializer})
    def post(self, request: Request) -> Response:
        """Send a recording in which the speaker reads the phrase of consent: WAV, MP3, FLAC, Ogg, M4A, WebM or AAC, up to 10 MiB.

        `state` says what came of it. Only one that is approved makes a voice.
        """
        recording = file_of(request, "recording")
        wanted = NewConsent.model_validate(fields_of(request))
        identity = caller(request)
        done = consents.record_consent(
            owner=identity.user, api_key=identity.api_key, wanted=wanted, upload=recording, asked=Asked.by(request)
        )
        headers = {"idempotent-replayed": "true"} if done.replayed else {}
        return Response(done.answer, status=status.HTTP_201_CREATED, headers=headers)


class OneConsent(APIView):
    scope = Scope.VOICES

    def get_throttles(self) -> list[BaseThrottle]:
        return [] if self.request.method == "GET" else [UserWrites()]

    @extend_schema(responses=ConsentSerializer)
    def get(self, request: Request, pk: str) -> Response:
        """One consent, and what came of it."""
        return Response(ConsentSerializer(_find(request, pk)).data)

    @extend_schema(request=ConsentChange, responses=ConsentSerializer, operation_id="v1_audio_voice_consents_rename")
    def post(self, request: Request, pk: str) -> Response:
        """Call it something else."""
        change = ConsentChange.model_validate(request.data)
        Consent.objects.filter(pk=_find(request, pk).pk).update(name=change.name)
        return Response(ConsentSerializer(_find(request, pk)).data)

    @extend_schema(responses=DeletedSerializer)
    def delete(self, request: Request, pk: str) -> Response:
        """Take it back, and delete the recording. Its voices can't be used from now on, and what was made with them goes too.

        The operator may have chosen to keep what was made, and what is under legal hold stays.
        """
        consents.delete(_find(request, pk))
        return Response({"id": pk, "object": "audio.voice_consent", "deleted": True})


class RevokeConsent(APIView):
    scope = Scope.VOICES
    throttle_classes = [UserWrites]

    @extend_schema(request=None, responses=ConsentSerializer)
    def post(self, request: Request, pk: str) -> Response:
        """Take it back, as by deleting it, but keep the recording as the proof of what was agreed on. Once more changes nothing."""
        consents.revoke(_find(request, pk), reason="Its owner revoked it.")
        return Response(ConsentSerializer(_find(request, pk)).data)


class Phrases(APIView):
    scope = Scope.VOICES

    @extend_schema(responses=PhraseListSerializer)
    def get(self, _request: Request) -> Response:
        """What is to be read, by language."""
        data = [{"object": "audio.voice_consent.phrase", "language": language, "text": text} for language, text in phrases().items()]
        return Response({"object": "list", "data": data})


def _find(request: Request, pk: str) -> Consent:
    consent: Consent | None = Consent.objects.of(request.user).present().filter(pk=pk).first()
    if consent is None:
        raise ConsentNotFound
    return consent
