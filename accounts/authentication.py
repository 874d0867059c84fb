"""How a request says who it is: one `Authorization: Bearer …`, never a cookie, never the query."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts.errors import InsufficientScope, InvalidToken
from accounts.models import Scope, User
from accounts.tokens import Identity, identify

if TYPE_CHECKING:
    from rest_framework.views import APIView  # it reads the settings that name this module

SCHEME = "Bearer"


def caller(request: Request) -> Identity:
    """Who calls a view that only lets in whom BearerAuthentication knows."""
    return cast(Identity, request.auth)


class BearerAuthentication(BaseAuthentication):
    """Sets `request.user`, and `request.auth` to the Identity."""

    def authenticate(self, request: Request) -> tuple[User, Identity] | None:
        header = request.META.get("HTTP_AUTHORIZATION")
        if header is None:
            return None
        scheme, _, token = header.partition(" ")
        # two headers arrive as one, joined by a comma, which is in no token
        if scheme != SCHEME or not token or any(character in token for character in " ,\t"):
            raise InvalidToken
        identity = identify(token)
        return identity.user, identity

    def authenticate_header(self, _request: Request) -> str:
        return SCHEME


class HasScope(BasePermission):
    """The view's `scope`; a view without one is for whoever is signed in."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        scope: Scope | None = getattr(view, "scope", None)
        if scope is not None and scope not in caller(request).scopes:
            raise InsufficientScope(scope)
        return True
