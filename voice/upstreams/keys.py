"""The keys of an upstream, used in turn; one that is refused rests."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import SecretStr

from voice.upstreams.errors import Failures, UpstreamFailure

LONG_REST = 600.0
# seconds for a key whose quota is used up, or that is not accepted: somebody must do something
SHORT_REST = 2.0
# seconds for one that was used too often, where the upstream does not say how long
LONGEST_REST = 300.0
# seconds for such a one, whatever the upstream says


@dataclass(slots=True)
class Key:
    number: int
    # from 1: what the log calls it
    secret: SecretStr | None
    # none: no key is sent
    rests_until: float = 0.0
    # of the monotonic clock
    reason: type[UpstreamFailure] = UpstreamFailure
    # why it rests

    @property
    def headers(self) -> dict[str, str]:
        return {} if self.secret is None else {"Authorization": f"Bearer {self.secret.get_secret_value()}"}

    def rest(self, reason: type[UpstreamFailure], seconds: float) -> None:
        self.rests_until = time.monotonic() + seconds
        self.reason = reason


class Keys:
    """Used in one event loop only, hence without locks."""

    def __init__(self, upstream: str, secrets: Sequence[SecretStr], failures: Failures) -> None:
        self._upstream = upstream
        self._failures = failures
        self._keys = [Key(number, secret) for number, secret in enumerate(secrets, 1)] or [Key(1, None)]
        self._next = 0

    def __len__(self) -> int:
        return len(self._keys)

    def take(self) -> Key:
        """The next key that does not rest; `refusal` is raised where all do."""
        now = time.monotonic()
        for step in range(len(self._keys)):
            place = (self._next + step) % len(self._keys)
            if self._keys[place].rests_until <= now:
                self._next = place + 1
                return self._keys[place]
        raise self.refusal()

    def refusal(self) -> UpstreamFailure:
        """Why none of them is any good: what would be over first, something that passes before the others."""
        now = time.monotonic()
        for reason in (self._failures.busy, self._failures.quota_exhausted):
            rests = [key.rests_until - now for key in self._keys if key.reason is reason]
            if rests:
                return reason(self._upstream, retry_after=max(min(rests), 0.0))
        return self._failures.misconfigured(self._upstream)

    def hidden(self, text: str) -> str:
        """The text without any of them."""
        for key in self._keys:
            if key.secret is not None:
                text = text.replace(key.secret.get_secret_value(), "…")
        return text
