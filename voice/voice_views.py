from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from accounts.authentication import caller
from accounts.limits import UserWrites
from accounts.models import Scope
from accounts.replays import Asked, Done
from jobs.serializers import DeletedSerializer
from voice import custom_voices
from voice.custom_requests import NewSample, NewVoice, VoiceChange, fields_of, form_with, new_voice
from voice.custom_serializers import SampleListSerializer, SampleSerializer
from voice.errors import VoiceNotFound
from voice.models import Voice, VoiceAlias
from voice.models.catalogue import VoiceState
from voice.serializers import VoiceListSerializer, VoiceSerializer
from voice.uploads import AudioForm, file_of

SAMPLE = "audio_sample"


class VoiceView(APIView):
    """Whoever is signed in sees the voices; to change them takes a scope."""

    @property
    def scope(self) -> Scope | None:
        return None if self.request.method == "GET" else Scope.VOICES

    def get_throttles(self) -> list[BaseThrottle]:
        return [] if self.request.method == "GET" else [UserWrites()]


class Voices(VoiceView):
    parser_classes = [*APIView.parser_classes, AudioForm]

    @extend_schema(responses=VoiceListSerializer, operation_id="v1_audio_voices_list")
    def get(self, request: Request) -> Response:
        """The voices that you may use, and those of your own that can't be used at the moment."""
        voices = list(Voice.objects.visible_to(request.user))
        data = VoiceSerializer(voices, many=True).data
        aliases = VoiceAlias.objects.filter(voice__in=Voice.objects.stock().usable()).values_list("name", flat=True)
        ready = [voice for voice in data if voice["state"] == VoiceState.READY]
        names = [{"id": name, "name": name} for name in aliases] + [{"id": voice["id"], "name": voice["name"]} for voice in ready]
        return Response({"object": "list", "data": data, "voices": names})

    @extend_schema(request=form_with(NewVoice, SAMPLE), responses={201: VoiceSerializer})
    def post(self, request: Request) -> Response:
        """Make a voice of your own: a consent that is approved, and 3 to 30 seconds of the same speaker, up to 10 MiB.

        The sample is listened to before it is taken; what is wrong with it is said.
        """
        wanted = new_voice(request)
        identity = caller(request)
        done = custom_voices.create_voice(
            owner=identity.user, api_key=identity.api_key, wanted=wanted, upload=file_of(request, SAMPLE), asked=Asked.by(request)
        )
        return _created(done)


class OneVoice(VoiceView):
    @extend_schema(responses=VoiceSerializer)
    def get(self, request: Request, pk: str) -> Response:
        """One voice, of your own by its id or of everybody's by its name."""
        visible = Voice.objects.visible_to(request.user)
        voice = visible.filter(pk=pk).first() or visible.stock().filter(name=pk).first()
        if voice is None:
            raise VoiceNotFound(pk, param=None)
        return Response(VoiceSerializer(voice).data)

    @extend_schema(request=VoiceChange, responses=VoiceSerializer, operation_id="v1_audio_voices_rename")
    def post(self, request: Request, pk: str) -> Response:
        """Call it something else."""
        voice = _find(request, pk)
        custom_voices.rename_voice(owner=caller(request).user, voice=voice, name=VoiceChange.model_validate(request.data).name)
        return Response(VoiceSerializer(voice).data)

    @extend_schema(responses=DeletedSerializer)
    def delete(self, request: Request, pk: str) -> Response:
        """Delete a voice of your own with its samples. What was made with it stays."""
        custom_voices.delete_voice(_find(request, pk))
        return Response({"id": pk, "object": "audio.voice.deleted", "deleted": True})


class Samples(VoiceView):
    scope = Scope.VOICES
    parser_classes = [AudioForm]

    @extend_schema(responses=SampleListSerializer)
    def get(self, request: Request, pk: str) -> Response:
        """The samples of a voice of yours, the oldest first, with what was measured of each."""
        samples = _find(request, pk).samples.all()
        return Response({"object": "list", "data": SampleSerializer(samples, many=True).data})

    @extend_schema(request=form_with(NewSample, SAMPLE), responses={201: SampleSerializer})
    def post(self, request: Request, pk: str) -> Response:
        """Add a sample. The voice has another version from then on."""
        voice, sample = _find(request, pk), file_of(request, SAMPLE)
        NewSample.model_validate(fields_of(request))
        identity = caller(request)
        done = custom_voices.add_sample(owner=identity.user, api_key=identity.api_key, voice=voice, upload=sample, asked=Asked.by(request))
        return _created(done)


class OneSample(VoiceView):
    @extend_schema(responses=DeletedSerializer)
    def delete(self, request: Request, pk: str, sample: str) -> Response:
        """Delete a sample. The voice has another version from then on; its last sample goes with the voice only."""
        custom_voices.remove_sample(_find(request, pk), sample)
        return Response({"id": sample, "object": "audio.voice.sample.deleted", "deleted": True})


def _find(request: Request, pk: str) -> Voice:
    voice = Voice.objects.of(request.user).filter(pk=pk).first()
    if voice is None:
        raise VoiceNotFound(pk, param=None)
    return voice


def _created(done: Done) -> Response:
    headers = {"idempotent-replayed": "true"} if done.replayed else {}
    return Response(done.answer, status=status.HTTP_201_CREATED, headers=headers)
