"""Rate limits, counted by django-ratelimit: sign-in by user name and by address, writing by user.

The library's own keys and its handling of a cache that is away were measured to be wrong for us, hence our keys and our policy.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.db.models import F
from django.http import HttpRequest
from django_ratelimit.core import get_usage
from redis.exceptions import RedisError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from accounts import metrics
from accounts.authentication import caller
from accounts.models import Quota, User
from accounts.quotas import Allowance, allowance
from accounts.runtime import runtime
from config.errors import RateLimited, Unavailable

log = structlog.get_logger("limits")

IPV6_NETWORK = 64
# bits: one customer's addresses
MINUTE = 60
CACHE_RETRY = 5
# seconds after which a client may try whether requests can be counted again

Address = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class Limit:
    """So many requests in a period, of whoever has the same key."""

    group: str
    rate: str
    # "20/m"
    closed: bool
    # what a cache that is away means: nobody passes, or everybody


def count(request: HttpRequest, limit: Limit, key: str) -> None:
    """Count one request; RateLimited when it is one too many, Unavailable when it can't be counted and the limit is a closed one.

    What is left is noted on the request, from where it reaches the answer's `x-ratelimit-*` headers.
    """
    usage = _counted(request, limit, key)
    if usage is None:
        if limit.closed:
            raise Unavailable(retry_after=CACHE_RETRY)
        return
    reset = usage["time_left"]
    _note(request, "requests", limit=usage["limit"], remaining=usage["limit"] - usage["count"], reset=reset)
    if usage["should_limit"]:
        metrics.RATE_REFUSALS.labels(limit.group).inc()
        raise RateLimited(retry_after=reset)


class UserWrites(BaseThrottle):
    """For views that write or generate: so many requests a user, as his plan says, or where it says nothing, as the settings do.

    What the plan says is one query by primary key a request. It is not kept in memory: a limit that staff set is to hold at once.
    The rest of what it says is noted on the request, for whatever the request is to use up.
    """

    def allow_request(self, request: Request, _view: APIView) -> bool:
        user = caller(request).user
        allowed = allowance(user)
        a_minute = allowed.limits["requests_per_minute"]
        if a_minute == 0:  # to the library, no limit
            metrics.RATE_REFUSALS.labels(metrics.WRITES).inc()
            raise RateLimited("Your plan allows no requests that write or generate.", retry_after=MINUTE)
        rate = runtime.WRITE_RATE if a_minute is None else f"{a_minute}/m"
        count(request._request, Limit(metrics.WRITES, rate, closed=False), str(user.pk))
        request.allowed = allowed  # type: ignore[attr-defined]
        return True


def allowed_to(request: Request) -> Allowance | None:
    """What was found, when the request was counted, that its caller may use; None where it was not counted."""
    return getattr(request, "allowed", None)


class CharactersLeft(APIView):
    """For views that use characters up: what is left of them is in the answer's `x-ratelimit-*-tokens`, also where the answer is no.

    It costs one query by key, and none for whoever has no limit.
    """

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        allowed = allowed_to(request)
        if allowed is not None and (limit := allowed.limits["characters"]) is not None:
            try:
                _note_characters(request._request, caller(request).user, allowed, limit)
            except (OperationalError, InterfaceError) as fault:
                # what was accepted is accepted, and its answer more than these
                log.warning("characters not told", reason=repr(fault))
        return super().finalize_response(request, response, *args, **kwargs)


class AddressSignIns(BaseThrottle):
    """For the view where passwords are tried: so many requests an address."""

    group = metrics.SIGN_IN_BY_ADDRESS
    closed = True

    def allow_request(self, request: Request, _view: APIView) -> bool:
        count_address(request._request, group=self.group, closed=self.closed)
        return True


class AddressTokens(AddressSignIns):
    """For the views where tokens are tried. Nobody guesses one, so without counters they stay open: whoever is signed in stays so."""

    group = metrics.TOKENS_BY_ADDRESS
    closed = False


def count_address(request: HttpRequest, *, group: str = metrics.SIGN_IN_BY_ADDRESS, closed: bool = True) -> None:
    """One more request from an address."""
    count(request, Limit(group, runtime.ADDRESS_RATE, closed=closed), client_address(request))


def count_attempt(request: HttpRequest, username: str) -> None:
    """One password tried for a user name, whether there is such a user or not."""
    count(request, Limit(metrics.SIGN_IN_BY_NAME, runtime.SIGN_IN_RATE, closed=True), username.casefold())


def _note(request: HttpRequest, unit: str, *, limit: int, remaining: int, reset: float) -> None:
    """Headers for the answer, in OpenAI's names."""
    told = {"limit": str(limit), "remaining": str(max(0, remaining)), "reset": _duration(reset)}
    headers = {f"x-ratelimit-{name}-{unit}": value for name, value in told.items()}
    request.limit_headers = getattr(request, "limit_headers", {}) | headers  # type: ignore[attr-defined]


def _note_characters(request: HttpRequest, user: User, allowed: Allowance, limit: int) -> None:
    rows = Quota.objects.of(user).filter(starts_at=allowed.starts_at)
    gone = rows.values_list(F("characters") + F("characters_reserved"), flat=True).first() or 0
    _note(request, "tokens", limit=limit, remaining=limit - gone, reset=(allowed.ends_at - allowed.now).total_seconds())


def _counted(request: HttpRequest, limit: Limit, key: str) -> dict[str, Any] | None:
    """What django-ratelimit says of the request; None when it can't be counted."""
    digest = hashlib.sha256(key.encode()).hexdigest()
    try:
        usage: dict[str, Any] = get_usage(request, group=limit.group, key=lambda *_: digest, rate=limit.rate, increment=True)
    except (RedisError, OSError) as error:
        log.warning("not counted", group=limit.group, reason=repr(error))
        return None
    return usage if usage["limit"] else None  # a limit of 0 is how it says that the counter was lost


def client_address(request: HttpRequest) -> str:
    """The address that a limit may count by: the peer's, or where that is a proxy of ours, what the proxy saw. IPv6 as its /64.

    Where a proxy of ours says something that is no address, the proxy is counted: what stands further left anybody can have sent.
    """
    address = _parsed(request.META.get("REMOTE_ADDR", ""))
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    while address is not None and _trusted(address) and forwarded:
        seen = _parsed(forwarded.pop())
        if seen is None:
            break
        address = seen
    if address is None:
        return "unknown"
    return str(ip_network((address, IPV6_NETWORK), strict=False)) if address.version == IPv6Address(0).version else str(address)


def from_proxy(peer: str) -> bool:
    """Whether a connection comes from a proxy of ours."""
    address = _parsed(peer)
    return address is not None and _trusted(address)


def _trusted(address: Address) -> bool:
    return any(address in network for network in settings.TRUSTED_PROXIES)


def _parsed(text: str) -> Address | None:
    try:
        address = ip_address(text.strip())
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _duration(seconds: Any) -> str:
    """As OpenAI writes them: `12s`, `6m0s`."""
    minutes, rest = divmod(int(seconds), MINUTE)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"
