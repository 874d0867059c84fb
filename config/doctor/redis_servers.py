"""Redis: the one of the broker, which must forget nothing, and the one of streams and cache."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import redis
from django.conf import settings

from config.doctor.findings import Finding, check, failure, warning, well

PATIENCE = 3
OLDEST = (6, 2)
# BLMOVE
FULL = 70
# per cent of its memory
WHOLE = 100
SAFE = "noeviction"


@check("redis", needs=("settings",))
def servers() -> Iterator[Finding]:
    if not settings.REDIS_URL:
        if settings.ENV.database_url:
            yield well("No Redis: with PostgreSQL or without, one process does everything.")
        return
    known: dict[str, Any] = {}
    for name, url in {"BROKER_URL": settings.BROKER_URL, "REDIS_URL": settings.REDIS_URL}.items():
        try:
            with closing(redis.Redis.from_url(url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE)) as client:
                known[name] = client.info()
        except (redis.RedisError, OSError) as error:
            yield failure(f"Redis at {name} can't be used: {error}", f"See that it runs, and that {name} is right.")
            continue
        yield from _server(name, known[name])
    if "BROKER_URL" in known:
        yield from _broker(known["BROKER_URL"])
    apart = len({info["run_id"] for info in known.values()}) == len(known)
    if settings.ENV.environment == "production" and not apart:
        advice = "Start a second one for streams and cache, and name the broker's in BROKER_URL: a full cache must not stop the queue."
        yield warning("The broker and the cache are one Redis.", advice)


def _server(name: str, info: dict[str, Any]) -> Iterator[Finding]:
    version = info["redis_version"]
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST:
        yield failure(f"Redis {version} at {name}.", "Use 6.2 or later.")
        return
    limit, used = info.get("maxmemory", 0), info["used_memory"]
    if limit and used * WHOLE > limit * FULL:
        yield warning(f"Redis at {name} has used {used * WHOLE // limit} % of its memory.", "Raise its maxmemory before it is full.")
    else:
        yield well(f"Redis {version} at {name} answers.")


def _broker(info: dict[str, Any]) -> Iterator[Finding]:
    policy = info.get("maxmemory_policy", "")
    if policy != SAFE:
        advice = f"In its configuration: `maxmemory-policy {SAFE}`. With any other it drops messages when it is full, and tells nobody."
        yield failure(f"The broker's Redis may forget: maxmemory-policy is {policy}.", advice)
    if not info.get("aof_enabled"):
        advice = "In its configuration: `appendonly yes`. Without it a restart loses messages, which the sweep has to find one by one."
        yield warning("The broker's Redis keeps no append-only file.", advice)
    elif info.get("aof_last_write_status") != "ok":
        yield failure("The broker's Redis can't write its append-only file.", "See its disk.")
    else:
        yield well(f"The broker's Redis forgets nothing: {policy}, append-only file.")
