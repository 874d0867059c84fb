"""The messages that set workers going. Each may be lost: what it is about stands in the database, where it is found again."""

from __future__ import annotations

from typing import Any

import dramatiq
import structlog
from dramatiq.errors import DramatiqError
from redis.exceptions import RedisError

log = structlog.get_logger("jobs")


def ring(actor: str, *arguments: Any, **about: Any) -> bool:
    """Send an actor, by its name, a message with these arguments: False where it is known to be lost. `about` is for the log."""
    try:
        dramatiq.get_broker().get_actor(actor).send(*arguments)
    except (DramatiqError, RedisError) as error:
        log.warning("no message sent", actor=actor, reason=repr(error), **about)
        return False
    return True
