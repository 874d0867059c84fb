"""Whether somebody may still be told what he has asked for: what lasts is asked for once and allowed for as long as it lasts."""

from __future__ import annotations

import threading

from channels.db import database_sync_to_async

from accounts.errors import InsufficientScope
from accounts.models import Scope
from accounts.tokens import Identity, identify, identify_live

CHECK_EVERY = 3.0
# seconds between two looks at who is still admitted

stopping = threading.Event()
# set when this process has been told to stop: what has no end of its own ends then, or it would be waited for


async def admit(bearer: str, scope: Scope) -> Identity:
    """The caller; InvalidToken or InsufficientScope when he may not, or may no longer.

    Where live sessions are held a client secret will do. One that has begun its session stays admitted for as long as that may last;
    that it begins no other is seen to when one begins.
    """
    identity: Identity = await database_sync_to_async(check, thread_sensitive=False)(bearer, scope)
    return identity


def check(bearer: str, scope: Scope) -> Identity:
    """As `admit`, in a thread."""
    identity = identify_live(bearer) if scope == Scope.REALTIME else identify(bearer)
    if scope not in identity.scopes:
        raise InsufficientScope(scope)
    return identity
