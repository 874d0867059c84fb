from __future__ import annotations

from config.errors import Forbidden, NotAuthenticated, Refusal


class InvalidCredentials(NotAuthenticated):
    code = "invalid_credentials"
    message = "The user name or the password is wrong."


class InvalidToken(NotAuthenticated):
    """Also a token of another kind, an expired one, and one whose user, sign-in or key is no more: which it is, is not told."""

    message = "The token is not valid, has expired or was revoked."


class InsufficientScope(Forbidden):
    code = "insufficient_scope"

    def __init__(self, scope: str) -> None:
        super().__init__(f"This key lacks the scope '{scope}'. Use one that has it.")


class ScopeNotHeld(Forbidden):
    code = "insufficient_scope"

    def __init__(self, scopes: list[str]) -> None:
        super().__init__(f"A key can't be given scopes that its maker lacks: {', '.join(scopes)}.", param="scopes")


class InsufficientQuota(Refusal):
    """The period is spent: unlike a busy service, nothing that a client waits for."""

    status = 429
    code = "insufficient_quota"
    type = "insufficient_quota"
    message = "The quota of this period is used up."
    should_retry = False
