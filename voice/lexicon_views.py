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
from jobs.serializers import DeletedSerializer
from voice import lexicons
from voice.errors import LexiconNotFound
from voice.lexicon_serializers import LexiconChange, LexiconSerializer, LexiconVersionSerializer, NewLexicon
from voice.models import Lexicon

LARGEST_BODY = 8 << 20
# bytes: as many entries as there can be, in whatever script, escaped as JSON may be


class Lexicons(generics.ListAPIView[Lexicon]):
    """Your lexicons, newest first."""

    scope = Scope.VOICES
    serializer_class = LexiconSerializer
    largest_body = LARGEST_BODY

    def get_throttles(self) -> list[BaseThrottle]:
        return [UserWrites()] if self.request.method == "POST" else []

    def get_queryset(self) -> QuerySet[Lexicon]:
        return Lexicon.objects.of(self.request.user)

    @extend_schema(request=NewLexicon, responses={201: LexiconVersionSerializer})
    def post(self, request: Request) -> Response:
        """Say how words are to be said. Whole words are found, the longest first, whatever their case unless an entry says otherwise."""
        wanted = NewLexicon.model_validate(request.data)
        version = lexicons.make_lexicon(
            owner=caller(request).user,
            name=wanted.name,
            language=wanted.language,
            entries=[entry.model_dump() for entry in wanted.entries],
        )
        return Response(LexiconVersionSerializer(version).data, status=status.HTTP_201_CREATED)


class OneLexicon(APIView):
    scope = Scope.VOICES
    largest_body = LARGEST_BODY

    def get_throttles(self) -> list[BaseThrottle]:
        return [] if self.request.method == "GET" else [UserWrites()]

    @extend_schema(responses=LexiconVersionSerializer)
    def get(self, request: Request, pk: str) -> Response:
        """A lexicon with its entries: the newest, or with `id@version` those of an older version."""
        return Response(LexiconVersionSerializer(lexicons.find_version(request.user, pk, param=None)).data)

    @extend_schema(request=LexiconChange, operation_id="v1_lexicons_update", responses=LexiconVersionSerializer)
    def post(self, request: Request, pk: str) -> Response:
        """Change it. Entries take the place of those that there were, as a new version."""
        lexicon = _find(request, pk)
        wanted = LexiconChange.model_validate(request.data)
        entries = None if wanted.entries is None else [entry.model_dump() for entry in wanted.entries]
        version = lexicons.change_lexicon(lexicon, name=wanted.name, language=wanted.language, entries=entries)
        return Response(LexiconVersionSerializer(version).data)

    @extend_schema(responses=DeletedSerializer)
    def delete(self, request: Request, pk: str) -> Response:
        """Forget it with all its versions."""
        lexicons.delete_lexicon(_find(request, pk))
        return Response({"id": pk, "object": "lexicon.deleted", "deleted": True})


def _find(request: Request, pk: str) -> Lexicon:
    lexicon: Lexicon | None = Lexicon.objects.of(request.user).filter(pk=pk).first()
    if lexicon is None:
        raise LexiconNotFound(pk, param=None)
    return lexicon
