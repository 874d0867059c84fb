"""Token buckets: so much a second, and so much at once."""

from __future__ import annotations


class Bucket:
    """`now` is in seconds and never goes back."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        self._left = burst
        self._seen = 0.0

    def take(self, amount: float, now: float) -> bool:
        """False, and nothing taken, where there is not as much."""
        self._fill(now)
        if amount > self._left:
            return False
        self._left -= amount
        return True

    def owe(self, amount: float, now: float) -> float:
        """Take it in any case: seconds to wait until what was taken has come in."""
        self._fill(now)
        self._left -= amount
        return max(0.0, -self._left / self._rate)

    def _fill(self, now: float) -> None:
        self._left = min(self._burst, self._left + (now - self._seen) * self._rate)
        self._seen = now
