"""How another speech server may fail, as our own client is told."""

from __future__ import annotations

from config.errors import Refusal, Unavailable
from voice.upstreams.errors import Failures, UpstreamFailure


class UpstreamUnavailable(UpstreamFailure, Unavailable):
    status = 503
    code = "upstream_unavailable"
    message = "The speech server behind '{upstream}' can't be reached, or is broken. Try again shortly, or use another voice."


class UpstreamBusy(UpstreamFailure, Unavailable):
    status = 503
    code = "upstream_busy"
    message = "The speech server behind '{upstream}' takes no more requests at the moment. Try again shortly."


class UpstreamTimeout(UpstreamFailure, Unavailable):
    status = 504
    code = "upstream_timeout"
    message = "The speech server behind '{upstream}' sent nothing in time. Try again shortly, or use another voice."


class UpstreamMissing(UpstreamFailure, Unavailable):
    status = 503
    code = "engine_unavailable"
    message = "The worker that took this knows no upstream voice '{upstream}'."


class UpstreamBroken(UpstreamFailure):
    """The audio broke off."""

    code = "upstream_broken"
    message = "The speech server behind '{upstream}' broke off."
    transient = True


class UpstreamInvalidResponse(UpstreamFailure):
    code = "upstream_invalid_response"
    message = "The speech server behind '{upstream}' answered with something that is not the audio asked for."
    transient = True


class UpstreamQuotaExhausted(UpstreamFailure):
    """Theirs, not ours: `insufficient_quota` would tell our client that he has used up what we gave him."""

    status = 503
    code = "upstream_quota_exhausted"
    message = "What this service may use of the speech server behind '{upstream}' is used up. Use another voice, or tell the operator."


class UpstreamMisconfigured(UpstreamFailure):
    code = "upstream_misconfigured"
    message = "The speech server behind '{upstream}' refuses what this service is set up to ask. Use another voice, or tell the operator."


class UpstreamRefused(Refusal):
    """It will not speak this text, and so nobody stands in."""

    code = "upstream_refused"

    def __init__(self, upstream: str, reason: str) -> None:
        super().__init__(f"The speech server behind '{upstream}' refuses this text{': ' + reason if reason else '.'}", param="input")


SPEECH = Failures(
    unavailable=UpstreamUnavailable,
    busy=UpstreamBusy,
    timeout=UpstreamTimeout,
    invalid_response=UpstreamInvalidResponse,
    quota_exhausted=UpstreamQuotaExhausted,
    misconfigured=UpstreamMisconfigured,
    refused=UpstreamRefused,
)
