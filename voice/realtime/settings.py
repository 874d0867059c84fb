"""The settings of a live session: what a client asks for, made whole."""

from __future__ import annotations

import json
from typing import Any

from config.errors import Refusal, TooLarge

LARGEST = 64 << 10
# bytes, as JSON
TYPES = ("realtime", "transcription")


class SettingsTooLarge(TooLarge):
    code = "session_too_large"
    message = f"The settings of a session are {LARGEST} bytes of JSON at most."


def effective(session: dict[str, Any] | None, *, owner: Any) -> dict[str, Any]:
    """The settings that a session of `owner` begins with, as the client is told them. A Refusal names what is wrong by its `param`."""
    asked = session or {}
    if len(json.dumps(asked, ensure_ascii=False).encode()) > LARGEST:
        raise SettingsTooLarge(param="session")
    kind = asked.get("type", TYPES[0])
    if kind not in TYPES:
        raise Refusal(f"'session.type' must be one of {', '.join(TYPES)}.", code="invalid_value", param="session.type")
    return {"type": kind, **asked}
