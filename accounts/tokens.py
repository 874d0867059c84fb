"""The JWTs, told apart by `typ`, and the one door that turns a bearer's into who is calling: for HTTP and for sockets.

Signature, algorithm, `exp`, `iat`, `nbf` and `iss` are checked by simplejwt and PyJWT; what they let through is checked here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.conf import settings
from django.contrib.auth.models import update_last_login
from django.utils import timezone
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.tokens import Token

from accounts.errors import InvalidToken
from accounts.models import ApiKey, ClientSecret, Scope, SignIn, User

LONGEST_TOKEN = 4096
# characters; ours have some 500
FORM = re.compile(r"[\w-]+\.[\w-]+\.[\w-]{42}[AEIMQUYcgkosw048]", re.ASCII)
# base64 decoders pass over padding, blanks and the two bits that a last character has too many: one token has one form here
ID = re.compile(r"[\w-]{1,64}", re.ASCII)
FOREVER = timedelta(days=3650)
# of an API key that was given no end: JWTs must have one
EVERY_SCOPE = frozenset(Scope)
SECRET = "ek_"  # noqa: S105
# before a client secret's token, so that libraries in browsers know that it may be there


class AccessToken(Token):
    token_type = "access"  # noqa: S105
    lifetime = api_settings.ACCESS_TOKEN_LIFETIME


class ApiKeyToken(Token):
    token_type = "api_key"  # noqa: S105
    lifetime = FOREVER


class RefreshToken(Token):
    token_type = "refresh"  # noqa: S105
    lifetime = api_settings.REFRESH_TOKEN_LIFETIME


class EphemeralToken(Token):
    """Of a client secret: it opens live sessions only, and is no BearerToken."""

    token_type = "ephemeral"  # noqa: S105
    lifetime = settings.LIVE_SESSION


class BearerToken(Token):
    """A token that opens the door: an access token or an API key."""

    token_type = AccessToken.token_type
    lifetime = AccessToken.lifetime

    def verify_token_type(self) -> None:
        if self.payload.get("typ") not in (AccessToken.token_type, ApiKeyToken.token_type):
            raise TokenError("Token has wrong type")


AnyToken = TypeVar("AnyToken", bound=Token)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who is calling, and with what."""

    user: User
    scopes: frozenset[Scope]
    api_key: ApiKey | None = None
    sign_in: SignIn | None = None
    secret: ClientSecret | None = None
    # what he came with to a live session; then the two above say what it was made with


@dataclass(frozen=True, slots=True)
class Pair:
    access: str
    refresh: str


def identify(bearer: str) -> Identity:
    """The caller behind an access token or an API key. InvalidToken whatever is wrong with it, or with them."""
    token = _decoded(BearerToken, bearer)
    if token["typ"] == AccessToken.token_type:
        sign_in = _sign_in_of(token)
        return Identity(sign_in.owner, EVERY_SCOPE, sign_in=sign_in)
    key = ApiKey.objects.live().select_related("owner").filter(pk=_id(token, "key")).first()
    if key is None:
        raise InvalidToken
    _check_owner(token, key.owner)
    key.note_use()
    return Identity(key.owner, _scopes_of(key), api_key=key)


def identify_live(bearer: str) -> Identity:
    """The caller who opens a live session, or has one open: as `identify` knows him, or by a client secret. InvalidToken as there."""
    if not bearer.startswith(SECRET):
        return identify(bearer)
    token = _decoded(EphemeralToken, bearer.removeprefix(SECRET))
    rows = ClientSecret.objects.live().select_related("owner", "api_key", "sign_in")
    secret: ClientSecret | None = rows.filter(pk=_id(token, "secret")).first()
    if secret is None:
        raise InvalidToken
    _check_owner(token, secret.owner)
    held = EVERY_SCOPE if secret.api_key is None else _scopes_of(secret.api_key)
    return Identity(secret.owner, held & {Scope.REALTIME}, api_key=secret.api_key, sign_in=secret.sign_in, secret=secret)


def sign_in(user: User) -> Pair:
    """The first two tokens of a sign-in."""
    refresh = RefreshToken()
    begun = SignIn.begin(user, token_id=refresh["jti"])
    update_last_login(type(user), user)
    return _pair(user, begun, refresh)


def refresh(token: str) -> Pair:
    """Two new tokens for a refresh token, which is used up by it."""
    used = _decoded(RefreshToken, token)
    family = _sign_in_of(used)
    following = RefreshToken()
    if not family.rotate(used_token_id=_id(used, "jti"), token_id=following["jti"]):
        raise InvalidToken
    return _pair(family.owner, family, following)


def sign_out(token: str) -> None:
    """End the sign-in that a refresh token belongs to, and with it every token of it."""
    _sign_in_of(_decoded(RefreshToken, token)).end()


def issue_key(*, owner: User, name: str, scopes: list[Scope], expires_at: datetime | None = None) -> tuple[ApiKey, str]:
    """A new API key, and its token, which is shown once."""
    key = ApiKey.objects.create(owner=owner, name=name, scopes=[scope.value for scope in scopes], expires_at=expires_at)
    key.refresh_from_db()
    return key, token_of(key)


def token_of(key: ApiKey) -> str:
    """A key's token: the same one whenever it is made, so that it need not be kept for the twin of the request that asked for it."""
    token = ApiKeyToken()
    token["sub"], token["stamp"], token["key"], token["jti"] = str(key.owner.pk), key.owner.stamp, key.pk, key.pk
    token.set_iat(at_time=key.created_at)
    token.set_exp(from_time=key.created_at, lifetime=FOREVER if key.expires_at is None else key.expires_at - key.created_at)
    return str(token)


def issue_secret(*, maker: Identity, session: dict[str, Any], lifetime: timedelta) -> ClientSecret:
    """A new client secret that may begin its session for so long; `value_of` is what its holder sends."""
    made = ClientSecret.objects.create(
        owner=maker.user, api_key=maker.api_key, sign_in=maker.sign_in, session=session, expires_at=timezone.now() + lifetime
    )
    made.refresh_from_db()
    return made


def value_of(secret: ClientSecret) -> str:
    """A client secret itself, the same one whenever it is made. It outlives the time in which it may begin a session.

    For as long as that session may last it is looked at again and again, and is what a client that was cut off comes back with.
    """
    token = EphemeralToken()
    token["sub"], token["stamp"], token["secret"], token["jti"] = str(secret.owner.pk), secret.owner.stamp, secret.pk, secret.pk
    token.set_iat(at_time=secret.created_at)
    token.set_exp(from_time=secret.expires_at, lifetime=settings.LIVE_SESSION + settings.LIVE_RESUME)
    return f"{SECRET}{token}"


def _pair(user: User, family: SignIn, following: RefreshToken) -> Pair:
    access = AccessToken()
    for token in (access, following):
        token["sub"], token["stamp"], token["sid"] = str(user.pk), user.stamp, family.pk
    return Pair(access=str(access), refresh=str(following))


def _decoded(kind: type[AnyToken], raw: str) -> AnyToken:
    if len(raw) > LONGEST_TOKEN or not FORM.fullmatch(raw):
        raise InvalidToken
    try:
        token = kind(raw)  # type: ignore[arg-type]
    except (TokenError, TypeError, ValueError, OverflowError):
        raise InvalidToken from None
    times = [token.payload.get("exp"), token.payload.get("iat"), token.payload.get("nbf", 0)]
    if token.payload.get("aud") != api_settings.AUDIENCE or any(type(time) is not int for time in times):
        raise InvalidToken
    _id(token, "jti")
    return token


def _sign_in_of(token: Token) -> SignIn:
    family: SignIn | None = SignIn.objects.live().select_related("owner").filter(pk=_id(token, "sid")).first()
    if family is None:
        raise InvalidToken
    _check_owner(token, family.owner)
    return family


def _scopes_of(key: ApiKey) -> frozenset[Scope]:
    return frozenset(scope for scope in Scope if scope in key.scopes)


def _check_owner(token: Token, owner: User) -> None:
    """The token must name the row's owner, as a UUID in its canonical form, with the stamp of today's password."""
    if token.payload.get("sub") != str(owner.pk) or token.payload.get("stamp") != owner.stamp:
        raise InvalidToken


def _id(token: Token, claim: str) -> str:
    """A claim that every database takes for text: what is signed is ours, but not always by this version of us."""
    value: Any = token.payload.get(claim)
    if not isinstance(value, str) or not ID.fullmatch(value):
        raise InvalidToken
    return value
