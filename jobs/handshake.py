"""What the opening of a socket says of who opens it: the token, the subprotocol to answer, the page that it comes from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http.request import split_domain_port, validate_host

from config.origins import DEFAULT_PORTS, Origin

SCHEME = "Bearer "


@dataclass(frozen=True, slots=True)
class Offer:
    """How a browser, which can't send a header, says who it is: by a token among the subprotocols that it offers."""

    subprotocol: str
    # the one that is answered, for a browser leaves where none is; never the one with the token
    before_token: str


EVENTS = Offer("voice", "bearer.")
REALTIME = Offer("realtime", "openai-insecure-api-key.")
# as the `openai` packages offer it; what else they name (versions of a dialect, of an SDK) is passed over


def bearer(scope: Mapping[str, Any], offer: Offer) -> str:
    """The caller's token, from the header or from among the subprotocols; empty when there is none, or more than one."""
    given = list(_headers(scope, b"authorization"))
    found = [value.removeprefix(SCHEME) for value in given if value.startswith(SCHEME)]
    if not given and offer.subprotocol in scope["subprotocols"]:
        found = [name.removeprefix(offer.before_token) for name in scope["subprotocols"] if name.startswith(offer.before_token)]
    return found[0] if len(found) == 1 and len(given) <= 1 else ""


def subprotocol(scope: Mapping[str, Any], offer: Offer) -> str | None:
    """What to accept the socket with."""
    return offer.subprotocol if offer.subprotocol in scope["subprotocols"] else None


def origin_allowed(scope: Mapping[str, Any]) -> bool:
    """Whether the page may open this socket: one of our own host's, one of ALLOWED_ORIGINS. What says no origin is no browser."""
    given = list(_headers(scope, b"origin"))
    if not given:
        return True
    origin = Origin.parse(given[0])
    if origin is None or len(given) > 1:
        return False
    return origin in settings.ALLOWED_ORIGINS or _is_ours(origin, scope)


def _is_ours(origin: Origin, scope: Mapping[str, Any]) -> bool:
    """Whether the page came from the host that it calls, by a name that is ours: others can let theirs point to this machine."""
    hosts = list(_headers(scope, b"host"))
    if len(hosts) != 1 or origin.scheme not in DEFAULT_PORTS:
        return False
    name, _ = split_domain_port(hosts[0])
    # the scheme is the page's: where TLS ends at a proxy, this process sees another one
    return validate_host(name, settings.ALLOWED_HOSTS) and Origin.parse(f"{origin.scheme}://{hosts[0]}") == origin


def _headers(scope: Mapping[str, Any], name: bytes) -> Iterator[str]:
    return (value.decode("latin-1") for header, value in scope["headers"] if header == name)
