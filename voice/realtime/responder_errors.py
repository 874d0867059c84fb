"""How the language model behind a conversation may fail, as the client is told."""

from __future__ import annotations

from config.errors import Refusal, Unavailable
from voice.upstreams.errors import Failures, UpstreamFailure


class ResponderFailure(UpstreamFailure):
    code = "responder_failed"


class ResponderUnavailable(ResponderFailure, Unavailable):
    status = 503
    code = "responder_unavailable"
    message = "The language model can't be reached, or is broken. Try again shortly."


class ResponderBusy(ResponderFailure, Unavailable):
    status = 503
    code = "responder_busy"
    message = "The language model takes no more requests at the moment. Try again shortly."


class ResponderTimeout(ResponderFailure, Unavailable):
    status = 504
    code = "responder_timeout"
    message = "The language model said nothing in time. Try again shortly."


class ResponderBroken(ResponderFailure):
    """It broke off within its answer."""

    code = "responder_broken"
    message = "The language model broke off. Try again."
    transient = True


class ResponderInvalidResponse(ResponderFailure):
    code = "responder_invalid_response"
    message = "The language model answered with something that can't be understood. Try again, or tell the operator."
    transient = True


class ResponderQuotaExhausted(ResponderFailure):
    """The service's quota there, not the client's here."""

    status = 503
    code = "responder_quota_exhausted"
    message = "What this service may use of the language model is used up. Tell the operator."


class ResponderMisconfigured(ResponderFailure):
    code = "responder_misconfigured"
    message = "The language model refuses what this service is set up to ask. Tell the operator."


class ResponderRefused(Refusal):
    """The prompt's fault: no other key, and no later time, would help."""

    code = "responder_refused"

    def __init__(self, _upstream: str, reason: str) -> None:
        super().__init__(f"The language model refuses this conversation{': ' + reason if reason else '.'}")


CHAT = Failures(
    unavailable=ResponderUnavailable,
    busy=ResponderBusy,
    timeout=ResponderTimeout,
    invalid_response=ResponderInvalidResponse,
    quota_exhausted=ResponderQuotaExhausted,
    misconfigured=ResponderMisconfigured,
    refused=ResponderRefused,
)
