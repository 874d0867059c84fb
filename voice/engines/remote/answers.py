"""What an upstream's refusal means: for the key, for the text, or for the upstream. Bodies are read for that and shown to nobody."""

from __future__ import annotations

import json
import logging
import time
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import httpx

from config.upstreams import Upstream
from voice.engines.remote.errors import (
    UpstreamBusy,
    UpstreamInvalidResponse,
    UpstreamMisconfigured,
    UpstreamQuotaExhausted,
    UpstreamRefused,
    UpstreamUnavailable,
)
from voice.engines.remote.keys import LONG_REST, LONGEST_REST, SHORT_REST, Key

LARGEST_ANSWER = 1 << 14
# bytes of an error that are read
LONGEST_REASON = 200
# characters of it that are repeated
OUT_OF_QUOTA = {"insufficient_quota", "billing_hard_limit_reached", "quota_exceeded", "upstream_quota_exhausted"}
ABOUT_THE_TEXT = {HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNPROCESSABLE_ENTITY}
PASSING = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY}
# beside every status from 500 on
OUR_FIELDS = {"model", "voice", "response_format", "language", "seed"}
# what the operator chose, not who asked

log = logging.getLogger(__name__)


async def refused(response: httpx.Response, upstream: Upstream, key: Key) -> None:
    """What any status but 200 means: the key rests where it is the key's fault; else what our client is told is raised."""
    error = await _error(response)
    status = response.status_code
    log.warning("the upstream %s answered %d, key %d", upstream.name, status, key.number)
    if status == HTTPStatus.PAYMENT_REQUIRED or {error.get("code"), error.get("type")} & OUT_OF_QUOTA:
        key.rest(UpstreamQuotaExhausted, LONG_REST)
    elif status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        key.rest(UpstreamMisconfigured, LONG_REST)
    elif status == HTTPStatus.TOO_MANY_REQUESTS:
        key.rest(UpstreamBusy, _retry_after(response) or SHORT_REST)
    elif status in PASSING or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise UpstreamUnavailable(upstream.name, retry_after=_retry_after(response))
    elif status in ABOUT_THE_TEXT and error.get("param") not in OUR_FIELDS:
        raise UpstreamRefused(upstream.name, _cleaned(error.get("message"), upstream))
    elif response.is_success:
        raise UpstreamInvalidResponse(upstream.name)
    else:
        raise UpstreamMisconfigured(upstream.name)


async def _error(response: httpx.Response) -> dict[str, str]:
    """The strings of OpenAI's error object; empty for anything else."""
    body = b""
    try:
        async for data in response.aiter_raw():
            body += data
            if len(body) > LARGEST_ANSWER:
                return {}
        found: Any = json.loads(body)
    except (httpx.HTTPError, ValueError, RecursionError):
        return {}
    error = found.get("error") if isinstance(found, dict) else None
    return {name: value for name, value in error.items() if isinstance(value, str)} if isinstance(error, dict) else {}


def _cleaned(message: str | None, upstream: Upstream) -> str:
    """One short line of it, without our keys."""
    for key in upstream.keys:
        message = (message or "").replace(key.get_secret_value(), "…")
    line = " ".join("".join(character if character.isprintable() else " " for character in message or "").split())
    return line if len(line) <= LONGEST_REASON else f"{line[:LONGEST_REASON]}…"


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds, from either form of the header."""
    told = response.headers.get("retry-after", "")
    try:
        seconds = float(told) if told.replace(".", "", 1).isdecimal() else parsedate_to_datetime(told).timestamp() - time.time()
    except ValueError:
        return None
    return min(max(seconds, 0.0), LONGEST_REST)
