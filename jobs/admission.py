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
    """The caller; InvalidToken or InsufficientScope when he may not, or may no longer."""
    return _checked(await database_sync_to_async(identify, thread_sensitive=False)(bearer), scope)


async def admit_live(bearer: str) -> Identity:
    """The same where live sessions are held, which a client secret opens too.

    One that has begun its session stays admitted for as long as that may last; that it begins no other is seen to when one begins.
    """
    identity: Identity = await database_sync_to_async(check_live, thread_sensitive=False)(bearer)
    return identity


def check_live(bearer: str) -> Identity:
    """As `admit_live`, in a thread."""
    return _checked(identify_live(bearer), Scope.REALTIME)


def _checked(identity: Identity, scope: Scope) -> Identity:
    if scope not in identity.scopes:
        raise InsufficientScope(scope)
    return identity
