from __future__ import annotations

from datetime import timedelta

from django.contrib.auth import authenticate
from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import generics, status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import tokens
from accounts.authentication import caller
from accounts.errors import InvalidCredentials, ScopeNotHeld
from accounts.limits import AddressSignIns, AddressTokens, UserWrites, count_attempt
from accounts.models import ApiKey, Scope, User
from accounts.replays import Asked, Done, once
from accounts.serializers import (
    ApiKeySerializer,
    Credentials,
    DeletedKeySerializer,
    MeSerializer,
    NewApiKey,
    NewApiKeySerializer,
    PairSerializer,
    RefreshBody,
    VerifyBody,
)
from config.errors import NotFound

NOTHING = OpenApiResponse(description="An empty object")


class Open(APIView):
    """A view that hands out or takes back tokens: nobody is signed in yet."""

    authentication_classes = []
    permission_classes = [AllowAny]
    throttle_classes = [AddressTokens]


class SignInView(Open):
    throttle_classes = [AddressSignIns]

    @extend_schema(request=Credentials, responses=PairSerializer, operation_id="auth_token")
    def post(self, request: Request) -> Response:
        """A user name and a password for an access token and a refresh token."""
        credentials = Credentials.model_validate(request.data)
        count_attempt(request._request, credentials.username)
        password = credentials.password.get_secret_value()
        user = authenticate(request, username=credentials.username, password=password)
        if not isinstance(user, User):
            raise InvalidCredentials
        return Response(PairSerializer(tokens.sign_in(user)).data)


class RefreshView(Open):
    @extend_schema(request=RefreshBody, responses=PairSerializer, operation_id="auth_refresh")
    def post(self, request: Request) -> Response:
        """A new pair for a refresh token, which is used up."""
        return Response(PairSerializer(tokens.refresh(RefreshBody.model_validate(request.data).refresh)).data)


class VerifyView(Open):
    @extend_schema(request=VerifyBody, responses=NOTHING, operation_id="auth_verify")
    def post(self, request: Request) -> Response:
        """Whether an access token or an API key would be let in now."""
        tokens.identify(VerifyBody.model_validate(request.data).token)
        return Response({})


class SignOutView(Open):
    @extend_schema(request=RefreshBody, responses=NOTHING, operation_id="auth_logout")
    def post(self, request: Request) -> Response:
        """End the sign-in of a refresh token, its access tokens included."""
        tokens.sign_out(RefreshBody.model_validate(request.data).refresh)
        return Response({})


class Me(APIView):
    scope = None

    @extend_schema(responses=MeSerializer)
    def get(self, request: Request) -> Response:
        """Who you are, and what your token may do."""
        return Response(MeSerializer(caller(request).user, context={"scopes": caller(request).scopes}).data)


class ApiKeys(generics.ListAPIView[ApiKey]):
    """Your keys, newest first."""

    scope = Scope.ACCOUNT
    serializer_class = ApiKeySerializer

    def get_throttles(self) -> list[UserWrites]:  # type: ignore[override]
        return [UserWrites()] if self.request.method == "POST" else []

    def get_queryset(self) -> QuerySet[ApiKey]:
        return ApiKey.objects.of(self.request.user)

    @extend_schema(request=NewApiKey, responses={201: NewApiKeySerializer})
    def post(self, request: Request) -> Response:
        """Make a key. The answer holds it, and no other answer will."""
        wanted = NewApiKey.model_validate(request.data)
        held = caller(request).scopes
        scopes = sorted(set(wanted.scopes)) if wanted.scopes is not None else sorted(held)
        if lacking := [scope.value for scope in scopes if scope not in held]:
            raise ScopeNotHeld(lacking)
        ends = [timezone.now() + timedelta(seconds=wanted.expires_in)] if wanted.expires_in else []
        if maker := caller(request).api_key:
            ends += [maker.expires_at] if maker.expires_at else []  # a key can't outlive the one that made it
        expires_at = min(ends, default=None)
        owner = caller(request).user

        def act() -> Done:
            return Done(tokens.issue_key(owner=owner, name=wanted.name, scopes=scopes, expires_at=expires_at)[0].pk)

        done = once(owner, Asked.by(request), act)
        key = ApiKey.objects.select_related("owner").get(pk=done.subject)
        headers = {"idempotent-replayed": "true"} if done.replayed else {}
        body = NewApiKeySerializer(key, context={"token": tokens.token_of(key)}).data
        return Response(body, status=status.HTTP_201_CREATED, headers=headers)


class OneApiKey(APIView):
    scope = Scope.ACCOUNT
    throttle_classes = [UserWrites]

    @extend_schema(responses=DeletedKeySerializer)
    def delete(self, request: Request, pk: str) -> Response:
        """Revoke a key, at once."""
        key = ApiKey.objects.of(request.user).filter(pk=pk).first()
        if key is None or not key.revoke():
            raise NotFound("There is no such key.")
        return Response({"id": pk, "object": "api_key.deleted", "deleted": True})
