"""Structured logs: one JSON object a line, with the request's and the job's ids, without what clients sent."""

from __future__ import annotations

import logging
from typing import Any

import structlog

LONGEST_FIELD = 1000
# characters of one field; more is cut


def _cut(_logger: Any, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    return {key: value[:LONGEST_FIELD] + "…" if isinstance(value, str) and _too_long(key, value) else value for key, value in event.items()}


def _too_long(key: str, value: str) -> bool:
    return key != "exception" and len(value) > LONGEST_FIELD


def logging_config(level: str) -> dict[str, Any]:
    """The `dictConfig` for everything that logs through the standard library, and structlog set up to go the same way."""
    logging.captureWarnings(True)
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _cut,
    ]
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "json": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": [structlog.stdlib.ExtraAdder(allow=()), *shared],
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, structlog.processors.JSONRenderer()],
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # one line a request is written by `config.api`; these would write a second one
            "django.request": {"level": "CRITICAL"},
            "django.channels.server": {"level": "WARNING"},
            "uvicorn.access": {"level": "WARNING"},
            "daphne": {"level": "WARNING"},
            "uvicorn": {"level": "WARNING"},
            "apscheduler": {"level": "WARNING"},
            "constance.migrations": {"level": "WARNING"},
            # they tell what they read
            **{name: {"level": "ERROR"} for name in ("TTS", "trainer", "transformers")},
        },
    }
