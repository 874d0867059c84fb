"""How a socket ends: the codes that clients read. After 1001, 1005, 1006, 1011, 1012, 1013 and 1015 `openai` comes back."""

from __future__ import annotations

NORMAL = 1000
UNSUPPORTED_DATA = 1003
POLICY_VIOLATION = 1008
TOO_BIG = 1009
INTERNAL_ERROR = 1011
SERVICE_RESTART = 1012
TRY_AGAIN_LATER = 1013
NOT_AUTHENTICATED = 4401
NOT_ALLOWED = 4403
NO_SUCH_SESSION = 4404
TOO_SLOW = 4408
TOO_MANY = 4429


class Closed(Exception):
    """The socket is to be closed; without a code the client has left.

    `resumable`: its client may come back to the session, for it was cut off, or the service is restarted.
    """

    def __init__(self, code: int | None, reason: str, *, resumable: bool = False) -> None:
        self.code = code
        self.reason = reason
        self.resumable = resumable or code == SERVICE_RESTART
