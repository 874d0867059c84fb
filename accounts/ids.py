"""Ids: opaque, prefixed, and in the order of time, so that a list pages by them and an index stays compact."""

from __future__ import annotations

from datetime import datetime

from ulid import ULID

ULID_RANDOM_BYTES = 10


def new_id(prefix: str) -> str:
    """Such as `job_01jd…`: the prefix and a ULID (https://github.com/ulid/spec) in lower case."""
    return f"{prefix}_{str(ULID()).lower()}"


def first_id(prefix: str, since: datetime) -> str:
    """The least id that is given from a moment on: rows since then are a range of the primary key, and need no other index."""
    milliseconds = int(since.timestamp() * 1000)
    return f"{prefix}_{str(ULID.from_bytes(milliseconds.to_bytes(6) + bytes(ULID_RANDOM_BYTES))).lower()}"
