"""Where no traces are wanted. With a collector: tests/e2e/test_observability.py."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import pytest

from jobs import tracing


def test_nothing_of_the_library_that_sends_them_is_imported():
    assert "jobs.spans" not in sys.modules
    assert "opentelemetry.exporter.otlp.proto.http.trace_exporter" not in sys.modules


def test_nothing_is_made_for_a_step():
    with tracing.span("one", text="a") as one:
        one.note(more=1)
        assert tracing.traceparent() == ""

    assert tracing.span("another") is tracing.span("a third")
    tracing.begun("stream").end()
    tracing.past("queue", since=datetime.now(UTC))
    tracing.note("name", status=200)


def test_a_function_that_is_a_step_does_what_it_does():
    @tracing.spanned("halves")
    def half(number: int) -> float:
        """Of it."""
        if number < 0:
            raise ValueError(number)
        return number / 2

    assert half(3) == 1.5
    assert half.__doc__ == "Of it."
    with pytest.raises(ValueError, match="-1"):
        half(-1)


def test_it_begins_nothing_that_nobody_has_asked_for(settings):
    settings.OTLP_ENDPOINT = ""

    tracing.begin("web")

    assert tracing.traceparent() == ""
