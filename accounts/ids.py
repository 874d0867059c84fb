"""Ids: opaque, prefixed, and in the order of time, so that a list pages by them and an index stays compact."""

from __future__ import annotations

from ulid import ULID


def new_id(prefix: str) -> str:
    """Such as `job_01jd…`: the prefix and a ULID (https://github.com/ulid/spec) in lower case."""
    return f"{prefix}_{str(ULID()).lower()}"
