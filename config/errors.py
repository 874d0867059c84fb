"""The tree of refusals: everything the service may say no with, one subclass per reason.

A refusal is raised where the reason is known and rendered in one place per door (HTTP: `config.api`). It carries what a client
needs and nothing else: an HTTP status, a stable code, a message that says what to do, and the field at fault.
"""

from __future__ import annotations

LONGEST_SHOWN = 40
# characters of a parameter's name that a refusal repeats


class Refusal(Exception):
    """A request, or a piece of work, that is answered with no.

    `param` names the field at fault; `retry_after` is in seconds. `transient` says whether the same work may succeed when an
    actor tries it again; `should_retry` is what `x-should-retry` tells an `openai` client, None leaving it to the status.
    `code` and `status` given to one refusal stand in for its class's. `reason` is what the log and staff are told, which may be more
    than a client is; the message where nothing else is known.
    """

    status: int = 400
    code: str = "invalid_request"
    type: str = "invalid_request_error"
    message: str = "The request can't be understood."
    should_retry: bool | None = None
    transient: bool = False

    def __init__(
        self,
        message: str | None = None,
        *,
        param: str | None = None,
        retry_after: float | None = None,
        code: str | None = None,
        status: int | None = None,
        reason: str | None = None,
    ) -> None:
        self.message = message or self.message
        self.param = param
        self.retry_after = retry_after
        self.code = code or self.code
        self.status = status or self.status
        self.reason = reason or self.message
        super().__init__(self.message)


class InvalidParameter(Refusal):
    code = "invalid_parameter"
    message = "A query parameter is not valid."

    @classmethod
    def unknown(cls, name: str) -> InvalidParameter:
        shown = name[:LONGEST_SHOWN].encode("ascii", "backslashreplace").decode()
        return cls(f"There is no parameter '{shown}' here.", param=shown)


class NotAuthenticated(Refusal):
    status = 401
    code = "invalid_api_key"
    type = "authentication_error"
    message = "No valid credentials. Send 'Authorization: Bearer <token>' with an access token or an API key."
    should_retry = False


class Forbidden(Refusal):
    status = 403
    code = "permission_denied"
    type = "permission_error"
    message = "These credentials may not do this."
    should_retry = False


class NotFound(Refusal):
    status = 404
    code = "not_found"
    message = "There is no such thing here."


class Conflict(Refusal):
    status = 409
    code = "invalid_state"
    message = "The state of this resource does not allow it."
    should_retry = False


class TooLarge(Refusal):
    status = 413
    code = "body_too_large"
    message = "The request body is too large."


class RateLimited(Refusal):
    status = 429
    code = "rate_limit_exceeded"
    type = "rate_limit_error"
    message = "Too many requests. Wait for the time that Retry-After gives."


class Unavailable(Refusal):
    status = 503
    code = "service_unavailable"
    type = "server_error"
    message = "A part of the service is not reachable. Try again shortly."
    transient = True


class Overloaded(Unavailable):
    code = "overloaded"
    message = "The service is busy. Try again in a few seconds."


class InternalError(Refusal):
    status = 500
    code = "internal_error"
    type = "server_error"
    message = "Something went wrong on our side. The request id helps whoever looks into it."
