"""Traces, where an operator collects them: what one request leads to, in every process that has a part in it.

Where none are collected nothing of OpenTelemetry is imported, and each call here is a look at one name. What goes from process to
process is on the job's row, as W3C's `traceparent`: a message may be lost, or sent again by anybody. Attributes are names, numbers and
ids; never a text, and nothing that opens anything.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from enum import Enum
from functools import wraps
from typing import Any, ParamSpec, Protocol, TypeVar

import structlog
from django.conf import settings

P = ParamSpec("P")
T = TypeVar("T")


class Kind(Enum):
    """As OpenTelemetry calls them, by name."""

    INTERNAL = "INTERNAL"
    SERVER = "SERVER"
    PRODUCER = "PRODUCER"
    CONSUMER = "CONSUMER"


class Span(Protocol):
    def note(self, **attributes: Any) -> None:
        """Say more of it."""

    def end(self) -> None: ...


class Spans(Protocol):
    """What `jobs.spans` makes of the library."""

    def within(self, parent: str) -> AbstractContextManager[None]: ...
    def span(self, name: str, kind: Kind, parent: str, attributes: dict[str, Any]) -> AbstractContextManager[Span]: ...
    def begun(self, name: str, attributes: dict[str, Any]) -> Span: ...
    def past(self, name: str, since: datetime, parent: str, attributes: dict[str, Any]) -> None: ...
    def note(self, name: str | None, attributes: dict[str, Any]) -> None: ...
    def traceparent(self) -> str: ...
    def shutdown(self) -> None: ...


class _Nothing:
    def note(self, **_: Any) -> None:
        pass

    def end(self) -> None:
        pass


_spans: Spans | None = None
# none where nothing is collected
_NOTHING = _Nothing()
_NO_SPAN = nullcontext(_NOTHING)


def begin(role: str) -> None:
    """Collect traces in this process, if the operator wants any."""
    global _spans  # noqa: PLW0603  -- one for the process, and a name is what is looked at quickest
    if not settings.OTLP_ENDPOINT:
        return
    from jobs.spans import OpenTelemetry  # of an extra, and half a second of imports

    _spans = OpenTelemetry(
        endpoint=settings.OTLP_ENDPOINT,
        headers=dict(pair.strip().split("=", 1) for pair in settings.OTLP_HEADERS.split(",") if pair.strip()),
        service=settings.OTLP_SERVICE,
        version=settings.VERSION,
        role=role,
        share=settings.OTLP_SHARE,
    )


def end() -> None:
    """Send what is not sent yet, and collect no more."""
    global _spans  # noqa: PLW0603  -- one for the process, and a name is what is looked at quickest
    if _spans is not None:
        _spans.shutdown()
        _spans = None


def within(parent: str) -> AbstractContextManager[None]:
    """Whatever begins in here is part of a trace of somebody else's, if `parent` is one."""
    return nullcontext() if _spans is None else _spans.within(parent)


def span(name: str, kind: Kind = Kind.INTERNAL, *, parent: str = "", **attributes: Any) -> AbstractContextManager[Span]:
    """A step that lasts as long as the block; what begins within is part of it. A Refusal ends it as failed, with its code."""
    return _NO_SPAN if _spans is None else _spans.span(name, kind, parent, attributes)


def spanned(name: str, kind: Kind = Kind.INTERNAL) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """A function that is a step."""

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        @wraps(function)
        def run(*args: P.args, **kwargs: P.kwargs) -> T:
            if _spans is None:
                return function(*args, **kwargs)
            with _spans.span(name, kind, "", {}):
                return function(*args, **kwargs)

        return run

    return decorate


def begun(name: str, **attributes: Any) -> Span:
    """A step that ends where somebody says so: for generators, whose blocks are left and entered by whoever reads them."""
    return _NOTHING if _spans is None else _spans.begun(name, attributes)


def past(name: str, *, since: datetime, parent: str = "", **attributes: Any) -> None:
    """A step that is over by now."""
    if _spans is not None:
        _spans.past(name, since, parent, attributes)


def note(name: str | None = None, **attributes: Any) -> None:
    """Say more of the step that this is in, or give it a better name."""
    if _spans is not None:
        _spans.note(name, attributes)


def traceparent() -> str:
    """Of the step that this is in; empty where there is none."""
    return "" if _spans is None else _spans.traceparent()


def request_id() -> str:
    """Of the request that this is done for; empty where it is for none."""
    return str(structlog.contextvars.get_contextvars().get("request_id", ""))
