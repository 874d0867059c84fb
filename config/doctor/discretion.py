"""No secret leaves in a finding, whatever a library repeats in its errors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import unquote, urlsplit

from django.conf import settings

from config.doctor.findings import Finding

HIDDEN = "…"
SHORTEST = 4
# characters; what is shorter would take ordinary words with it


def discreet(finding: Finding, secrets: list[str]) -> Finding:
    message, advice = finding.message, finding.advice
    for secret in secrets:
        message, advice = message.replace(secret, HIDDEN), advice.replace(secret, HIDDEN)
    return replace(finding, message=message, advice=advice)


def secrets() -> list[str]:
    """All that the settings know, the longest first, for one may hold another; none where the settings can't be read."""
    try:
        known = {each for each in _secrets() if len(each) >= SHORTEST}
    except Exception:  # whatever the settings meet
        return []
    return sorted(known, key=len, reverse=True)


def _secrets() -> Iterator[str]:
    environment = settings.ENV
    yield from (settings.SECRET_KEY, environment.s3_secret_access_key, environment.metrics_token)
    yield from (pair.partition("=")[2] for pair in environment.otel_exporter_otlp_headers.split(","))
    for url in (environment.database_url, environment.redis_url, environment.broker_url):
        password = urlsplit(url).password or ""
        yield from (password, unquote(password))
    for keys in (environment.chat_keys, *(upstream.keys for upstream in environment.upstreams)):
        yield from (key.get_secret_value() for key in keys)
