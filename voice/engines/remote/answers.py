"""What an upstream answers with any status but 200."""

from __future__ import annotations

import json
from typing import Any

import httpx

from voice.upstreams.answers import Answer

LARGEST_ANSWER = 1 << 14
# bytes of an error that are read
OUR_FIELDS = frozenset({"model", "voice", "response_format", "language", "seed"})
# what the operator chose, not who asked


async def read(response: httpx.Response) -> Answer:
    return Answer.of(response.status_code, await _error(response), response.headers.get("retry-after", ""))


async def _error(response: httpx.Response) -> Any:
    """OpenAI's error object; None for anything else."""
    body = b""
    try:
        async for data in response.aiter_raw():
            body += data
            if len(body) > LARGEST_ANSWER:
                return None
        found: Any = json.loads(body)
    except (httpx.HTTPError, ValueError, RecursionError):
        return None
    return found.get("error") if isinstance(found, dict) else None
