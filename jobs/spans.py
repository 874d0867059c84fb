"""Traces by OpenTelemetry, sent over OTLP/HTTP. Imported only where they are wanted: it is an extra."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context, attach, detach
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from config.errors import Refusal
from jobs.tracing import Kind, Span

SEND_PATIENCE = 5
# seconds that the collector has to answer; it is no part of any request
SEND_EVERY = 2000
# milliseconds
NANOSECONDS = 1_000_000_000

KNOWN = {
    "method": "http.request.method",
    "route": "http.route",
    "status": "http.response.status_code",
    "queue": "messaging.destination.name",
}
# names of OpenTelemetry's semantic conventions

_w3c = TraceContextTextMapPropagator()


class _Span:
    def __init__(self, span: trace.Span) -> None:
        self._span = span

    def note(self, **attributes: Any) -> None:
        self._span.set_attributes(_named(attributes))

    def end(self) -> None:
        self._span.end()


class OpenTelemetry:
    """The `Spans` of a process."""

    def __init__(self, *, endpoint: str, headers: Mapping[str, str], service: str, version: str, role: str, share: float) -> None:
        who = {"service.name": service, "service.version": version, "service.instance.id": f"{socket.gethostname()}:{os.getpid()}"}
        # by the trace's id, so that every process keeps the same ones, and a client's wish to be kept changes nothing
        kept = TraceIdRatioBased(share)
        self._provider = TracerProvider(
            resource=Resource.create({**who, "voice.role": role}), sampler=ParentBased(kept, remote_parent_sampled=kept)
        )
        exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", headers=dict(headers), timeout=SEND_PATIENCE)
        self._provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=SEND_EVERY))
        self._tracer = self._provider.get_tracer("voice-platform", version)

    @contextmanager
    def within(self, parent: str) -> Iterator[None]:
        token = attach(_context(parent))
        try:
            yield
        finally:
            detach(token)

    @contextmanager
    def span(self, name: str, kind: Kind, parent: str, attributes: dict[str, Any]) -> Iterator[Span]:
        # what an exception says may hold what a client sent: only a refusal's code is told
        with self._tracer.start_as_current_span(
            name,
            context=_context(parent) if parent else None,
            kind=trace.SpanKind[kind.value],
            attributes=_named(attributes),
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield _Span(span)
            except Refusal as refusal:
                span.set_status(Status(StatusCode.ERROR, refusal.code))
                raise
            except Exception as error:
                span.set_status(Status(StatusCode.ERROR, type(error).__name__))
                raise

    def begun(self, name: str, attributes: dict[str, Any]) -> Span:
        return _Span(self._tracer.start_span(name, attributes=_named(attributes)))

    def past(self, name: str, since: datetime, parent: str, attributes: dict[str, Any]) -> None:
        start = int(since.timestamp() * NANOSECONDS)
        context = _context(parent) if parent else None
        span = self._tracer.start_span(name, context=context, attributes=_named(attributes), start_time=start)
        span.end()

    def note(self, name: str | None, attributes: dict[str, Any]) -> None:
        span = trace.get_current_span()
        if name is not None:
            span.update_name(name)
        span.set_attributes(_named(attributes))

    def traceparent(self) -> str:
        carrier: dict[str, str] = {}
        _w3c.inject(carrier)
        return carrier.get("traceparent", "")

    def shutdown(self) -> None:
        self._provider.shutdown()


def _context(parent: str) -> Context:
    """What has no form of W3C's is no parent: a new trace begins."""
    return _w3c.extract({"traceparent": parent}, context=Context())


def _named(attributes: dict[str, Any]) -> dict[str, Any]:
    """What the conventions have no name for begins with `voice.`"""
    return {KNOWN.get(name, f"voice.{name}"): value for name, value in attributes.items()}
