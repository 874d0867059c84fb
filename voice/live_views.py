"""Live sessions over HTTP: who may begin one, what became of each, and the end of one that is open."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import caller
from accounts.limits import UserWrites
from accounts.models import ClientSecret, Scope
from accounts.replays import Asked, Done, once
from accounts.tokens import issue_secret
from config.errors import InvalidParameter
from jobs.errors import Gone
from voice.errors import SessionNotFound
from voice.live import BY_OWNER
from voice.live_serializers import ClientSecretSerializer, LiveSessionSerializer, LiveSessionWithTranscriptSerializer, NewClientSecret
from voice.models import LiveSession, SessionState
from voice.realtime.settings import checked, named_voice
from voice.services import check_voice


class ClientSecrets(APIView):
    scope = Scope.REALTIME
    throttle_classes = [UserWrites]

    @extend_schema(request=NewClientSecret, responses=ClientSecretSerializer, operation_id="v1_realtime_client_secrets_create")
    def post(self, request: Request) -> Response:
        """A secret for a browser or an app: it begins one live session, with the settings given here.

        It ends with what it was made with: the API key, the sign-in, the password.
        """
        wanted = NewClientSecret.model_validate(request.data)
        maker = caller(request)
        session = checked(wanted.session or {}).model_dump()
        if (named := named_voice(wanted.session)) is not None:
            check_voice(owner=maker.user, name=named, param="session.audio.output.voice")
        lifetime = timedelta(seconds=wanted.expires_after.seconds)
        done = once(maker.user, Asked.by(request), lambda: Done(issue_secret(maker=maker, session=session, lifetime=lifetime).pk))
        secret = ClientSecret.objects.select_related("owner").filter(pk=done.subject).first()
        if secret is None:
            raise Gone("The client secret that this Idempotency-Key once made is no more. Send another key to have another.")
        headers = {"idempotent-replayed": "true"} if done.replayed else {}
        return Response(ClientSecretSerializer(secret).data, headers=headers)


class LiveSessions(generics.ListAPIView[LiveSession]):
    scope = Scope.REALTIME
    serializer_class = LiveSessionSerializer
    query_parameters = ("state",)

    @extend_schema(parameters=[OpenApiParameter("state", enum=SessionState.values)])
    def get(self, request: Request, *args: object, **kwargs: object) -> Response:
        """Your live sessions, newest first."""
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[LiveSession]:
        sessions: QuerySet[LiveSession] = LiveSession.objects.of(self.request.user).defer("transcript")
        state = self.request.query_params.get("state")
        if state is not None and state not in SessionState.values:
            raise InvalidParameter(f"'state' must be one of {', '.join(SessionState.values)}.", param="state")
        return sessions if state is None else sessions.filter(state=state)


class OneLiveSession(APIView):
    scope = Scope.REALTIME

    @extend_schema(responses=LiveSessionWithTranscriptSerializer)
    def get(self, request: Request, pk: str) -> Response:
        """One session: what it came to, why it ended, and what was said where that is kept."""
        return Response(LiveSessionWithTranscriptSerializer(_find(request, pk)).data)


class EndLiveSession(APIView):
    scope = Scope.REALTIME
    throttle_classes = [UserWrites]

    @extend_schema(request=None, responses=LiveSessionWithTranscriptSerializer)
    def post(self, request: Request, pk: str) -> Response:
        """End a session within a few seconds. Once more, or of one that is over, it changes nothing."""
        _find(request, pk).ask_to_end(BY_OWNER)
        return Response(LiveSessionWithTranscriptSerializer(_find(request, pk)).data)


def _find(request: Request, pk: str) -> LiveSession:
    session: LiveSession | None = LiveSession.objects.of(request.user).filter(pk=pk).first()
    if session is None:
        raise SessionNotFound
    return session
