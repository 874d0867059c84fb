"""Whether this process lives, and whether it can do its work."""

from __future__ import annotations

from collections.abc import Callable

import redis
import structlog
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse

from jobs.models import Worker

log = structlog.get_logger("health")

PATIENCE = 2
# seconds that Redis has to answer


def alive(_request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


def ready(_request: HttpRequest) -> JsonResponse:
    """200 when every part that a request needs answers, else 503; the body says which part does not."""
    parts = {name: _answers(name, check) for name, check in CHECKS.items()}
    well = all(parts.values())
    body = {"status": "ok" if well else "unavailable", "parts": {name: "ok" if state else "unavailable" for name, state in parts.items()}}
    return JsonResponse(body, status=200 if well else 503)


def _answers(name: str, check: Callable[[], bool]) -> bool:
    try:
        return check()
    except (DatabaseError, redis.RedisError) as error:
        log.warning("not ready", part=name, reason=repr(error))
        return False


def _database() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return True


def _redis() -> bool:
    for url in {settings.REDIS_URL, settings.BROKER_URL} - {""}:
        with redis.Redis.from_url(url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE) as client:
            client.ping()
    return True


def _workers() -> bool:
    return Worker.objects.alive().exists()


CHECKS: dict[str, Callable[[], bool]] = {"database": _database, "redis": _redis, "workers": _workers}
