"""How an upstream may fail, as our own client is told. Its words, its keys and its address stay here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from config.errors import Refusal


class UpstreamFailure(Refusal):
    """The upstream did not do its part: another may stand in."""

    status = 502
    code = "upstream_failed"
    type = "server_error"

    def __init__(self, upstream: str, *, retry_after: float | None = None) -> None:
        super().__init__(self.message.format(upstream=upstream), retry_after=retry_after)


@dataclass(frozen=True, slots=True)
class Failures:
    """What each of them is called where a kind of upstream is asked."""

    unavailable: type[UpstreamFailure]
    # it can't be reached, or says that it is broken
    busy: type[UpstreamFailure]
    # for this key
    timeout: type[UpstreamFailure]
    invalid_response: type[UpstreamFailure]
    quota_exhausted: type[UpstreamFailure]
    # theirs, not our client's
    misconfigured: type[UpstreamFailure]
    # it refuses the key, or what the operator chose
    refused: Callable[[str, str], Refusal]
    # it refuses what the client asked; made of the upstream's name and its reason
