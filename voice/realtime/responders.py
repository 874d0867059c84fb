"""Who answers, as the operator chose."""

from __future__ import annotations

from functools import cache

from django.conf import settings

from voice.realtime.chat import Chat
from voice.realtime.echo import Echo
from voice.realtime.responder import Responder


@cache
def responder() -> Responder:
    """The process's. One object, for it keeps connections, and which keys rest; `responder.cache_clear()` makes a new one."""
    if settings.RESPONDER == "chat":
        return Chat(
            url=settings.CHAT_URL,
            model=settings.CHAT_MODEL,
            keys=settings.CHAT_KEYS,
            first_within=settings.CHAT_FIRST_SECONDS,
            next_within=settings.CHAT_NEXT_SECONDS,
            fallback=settings.CHAT_FALLBACK,
        )
    return Echo()
