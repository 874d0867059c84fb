"""The HTTP door: request ids, one log line a request, and every refusal rendered in the one error shape."""

from __future__ import annotations

import asyncio
import itertools
import math
import time
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import unquote_to_bytes

import redis.exceptions
import structlog
from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation, TooManyFieldsSent, TooManyFilesSent
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from pydantic import ValidationError
from rest_framework import exceptions
from rest_framework.response import Response

from config import metrics
from config.desk import faults, policy
from config.errors import Forbidden, InternalError, NotAuthenticated, NotFound, RateLimited, Refusal, TooLarge, Unavailable
from config.request_ids import request_id
from jobs import tracing

log = structlog.get_logger("http")

ADMIN = "/admin/"
QUIET = ("/healthz", "/readyz", "/static/")
# /metrics has no line at all
_quiet = itertools.count()
PYDANTIC_CODES = {
    "missing": "missing_required_parameter",
    "extra_forbidden": "unknown_field",
    "greater_than": "out_of_range",
    "greater_than_equal": "out_of_range",
    "less_than": "out_of_range",
    "less_than_equal": "out_of_range",
    "literal_error": "invalid_value",
    "enum": "invalid_value",
    "value_error": "invalid_value",
    "finite_number": "out_of_range",
    "string_too_long": "too_long",
    "string_too_short": "too_short",
    "too_long": "too_long",
}
# other types of pydantic's own end in "_type" or "_parsing" and are `invalid_type`; a PydanticCustomError's type is the code


class MethodNotAllowed(Refusal):
    status = 405
    code = "method_not_allowed"
    message = "This method is not offered here."


class NotAcceptable(Refusal):
    status = 406
    code = "not_acceptable"
    message = "Answers are JSON here; accept 'application/json'."


class UnsupportedMediaType(Refusal):
    status = 415
    code = "unsupported_media_type"
    message = "Send the body as 'application/json' in UTF-8."


class UpgradeRequired(Refusal):
    status = 426
    code = "upgrade_required"
    message = "This is a WebSocket: open it with one."


def as_refusal(error: Exception) -> Refusal | None:  # noqa: PLR0911, PLR0912  -- a table, a case a line
    """The refusal that an exception amounts to; None when it is a fault of ours."""
    match error:
        case Refusal():
            return error
        case ValidationError():
            return _invalid(error)
        case exceptions.NotAuthenticated() | exceptions.AuthenticationFailed():
            return NotAuthenticated()
        case exceptions.PermissionDenied() | PermissionDenied():
            return Forbidden()
        case exceptions.NotFound() | Http404():
            return NotFound()
        case exceptions.MethodNotAllowed():
            return MethodNotAllowed()
        case exceptions.NotAcceptable():
            return NotAcceptable()
        case exceptions.UnsupportedMediaType():
            return UnsupportedMediaType()
        case exceptions.Throttled():
            return RateLimited(retry_after=getattr(error, "wait", None))
        case RequestDataTooBig() | TooManyFieldsSent() | TooManyFilesSent():
            return TooLarge()
        case exceptions.APIException() | SuspiciousOperation():
            return Refusal()
        case OperationalError() | InterfaceError() | redis.exceptions.ConnectionError() | redis.exceptions.TimeoutError():
            return Unavailable(retry_after=2)
        case _:
            return None


def body_and_headers(refusal: Refusal) -> tuple[dict[str, Any], dict[str, str]]:
    body = {"error": {"message": refusal.message, "type": refusal.type, "param": refusal.param, "code": refusal.code}}
    headers = {}
    if refusal.should_retry is not None:
        headers["x-should-retry"] = str(refusal.should_retry).lower()
    if refusal.retry_after is not None:
        headers["Retry-After"] = str(max(1, math.ceil(refusal.retry_after)))
    if refusal.status == NotAuthenticated.status:
        headers["WWW-Authenticate"] = "Bearer"
    if refusal.status == UpgradeRequired.status:
        headers["Upgrade"] = "websocket"
    return body, headers


def render_exception(error: Exception, context: dict[str, Any]) -> Response:
    """DRF's exception handler."""
    refusal = _told(error)
    body, headers = body_and_headers(refusal)
    if isinstance(error, exceptions.MethodNotAllowed):
        headers["Allow"] = ", ".join(context["view"].allowed_methods)
    return Response(body, status=refusal.status, headers=headers)


def answer(refusal: Refusal) -> JsonResponse:
    body, headers = body_and_headers(refusal)
    return JsonResponse(body, status=refusal.status, headers=headers)


def _said(request: HttpRequest, refusal: Refusal, words: tuple[str, str] | None = None) -> HttpResponse:
    """A refusal as a page for whoever is in the admin, as JSON for everybody else."""
    return faults.shown(request, refusal, words) if request.path.startswith(ADMIN) else answer(refusal)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _said(request, Refusal())


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _said(request, Forbidden())


def stale_form(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form without the token that Django looks for."""
    return _said(request, Forbidden(), faults.STALE)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _said(request, NotFound("There is nothing at this address."))


def server_error(request: HttpRequest) -> HttpResponse:
    return _said(request, InternalError())


def socket_only(_request: HttpRequest) -> JsonResponse:
    return answer(UpgradeRequired())


class Requests:
    """Middleware, outermost: names the request, renders what a view raised, and writes one line about it."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]) -> None:
        self.get_response = get_response
        self.in_the_loop = iscoroutinefunction(get_response)
        if self.in_the_loop:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if self.in_the_loop:
            return self._await(request)
        started = self._begin(request)
        response = _misaddressed(request) or self.get_response(request)
        assert isinstance(response, HttpResponseBase)  # noqa: S101  -- told the type checker, which can't know the mode
        return self._end(request, response, started)

    async def _await(self, request: HttpRequest) -> HttpResponseBase:
        started = self._begin(request)
        try:
            response = _misaddressed(request) or await self.get_response(request)  # type: ignore[misc]
        except asyncio.CancelledError:
            metrics.request_over(request, metrics.CLIENT_GONE, time.perf_counter() - started)
            raise
        return self._end(request, response, started)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponseBase | None:
        if not request.path.startswith(ADMIN):
            return answer(_told(error))
        if (refusal := as_refusal(error)) is None:
            log.error("unexpected", exc_info=error)
        return None if refusal is None or refusal.status < InternalError.status else faults.shown(request, _told(error))

    def _begin(self, request: HttpRequest) -> float:
        request.id = request_id(request.META.get("HTTP_X_REQUEST_ID", ""), request.META.get("REMOTE_ADDR", ""))  # type: ignore[attr-defined]
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request.id)  # type: ignore[attr-defined]
        return time.perf_counter()

    def _end(self, request: HttpRequest, response: HttpResponseBase, started: float) -> HttpResponseBase:
        response.headers["x-request-id"] = request.id  # type: ignore[attr-defined]
        for name, value in getattr(request, "limit_headers", {}).items():
            response.headers[name] = value
        if request.path.startswith(ADMIN):
            for name, value in policy.HEADERS.items():
                response.headers.setdefault(name, value)
        seconds = time.perf_counter() - started
        route = metrics.request_over(request, response.status_code, seconds)
        tracing.note(f"{request.method} {route}", route=route, status=response.status_code, request_id=request.id)  # type: ignore[attr-defined]
        if _worth_a_line(request.path, response.status_code):
            log.info("request", method=request.method, path=request.path, status=response.status_code, ms=round(seconds * 1000, 1))
        return response


def _worth_a_line(path: str, status: int) -> bool:
    """Of what is asked for all day and answered well, one in LOG_ONE_IN; of everything else, all."""
    if status >= Refusal.status or not path.startswith(QUIET):
        return True
    return settings.LOG_ONE_IN > 0 and next(_quiet) % settings.LOG_ONE_IN == 0


def _misaddressed(request: HttpRequest) -> HttpResponse | None:
    """An answer for an address that no database would take: with a NUL in it, or with a query that is not UTF-8."""
    if "\0" in request.path:
        return not_found(request)
    try:
        query = unquote_to_bytes(request.META.get("QUERY_STRING", "")).decode()
    except UnicodeDecodeError:
        query = "\0"
    return _said(request, Refusal("The query string is not text.", code="invalid_parameter")) if "\0" in query else None


def _told(error: Exception) -> Refusal:
    """The refusal to answer with; what is our fault goes into the log with its trace, and into the answer without."""
    refusal = as_refusal(error)
    if refusal is None:
        log.error("unexpected", exc_info=error)
        return InternalError()
    if refusal.status >= InternalError.status:
        log.warning("refused", code=refusal.code, reason=repr(error))
    return refusal


def _invalid(error: ValidationError) -> Refusal:
    """What a request model found wrong first."""
    first = error.errors(include_url=False)[0]
    kind = first["type"]
    if kind == "missing" and first["input"] == {} and len(first["loc"]) == 1:
        code, message = Refusal.code, "The body is empty; send a JSON object."
    else:
        code = PYDANTIC_CODES.get(kind) or ("invalid_type" if kind.endswith(("_type", "_parsing")) else kind)
        message = first["msg"].removeprefix("Value error, ")
    return Refusal(message, code=code, param=_path(first["loc"]))


def _path(location: tuple[int | str, ...]) -> str | None:
    """A place in the body as OpenAI writes it: `items[3].input`."""
    path = ""
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return path[:200] or None
