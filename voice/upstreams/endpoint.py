"""One upstream: a request, tried again where that may help, with another key where one rests, and not at all while it is broken."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence, Set
from dataclasses import replace
from typing import TypeVar
from weakref import WeakSet

from pybreaker import CircuitBreaker, CircuitBreakerError, CircuitBreakerListener, CircuitBreakerState
from pydantic import SecretStr
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt, wait_exponential_jitter

from voice.upstreams.answers import Answer
from voice.upstreams.errors import Failures, UpstreamFailure
from voice.upstreams.keys import LONG_REST, SHORT_REST, Key, Keys

ATTEMPTS = 3
FIRST_DELAY = 0.2
# seconds before the second; doubled, with as much again by chance
LONGEST_DELAY = 2.0
# seconds; who is told to wait longer gives up, and may come again

CIRCUITS = ("closed", "half-open", "open")
# as pybreaker calls the states of one

log = logging.getLogger(__name__)
_endpoints: WeakSet[Endpoint] = WeakSet()

Begun = TypeVar("Begun")


class _Herald(CircuitBreakerListener):
    def state_change(self, cb: CircuitBreaker, old_state: CircuitBreakerState | None, new_state: CircuitBreakerState) -> None:
        log.warning("the circuit of the upstream %s is %s", cb.name, new_state.name)


class Endpoint:
    """Used in one event loop only; what it keeps is shared by all who ask the upstream there."""

    def __init__(
        self, name: str, keys: Sequence[SecretStr], failures: Failures, *, most_failures: int, rest: float, our_fields: Set[str]
    ) -> None:
        """After `most_failures` in a row it is left alone for `rest` seconds. A refusal about one of our fields is the operator's fault."""
        self.name = name
        self._failures = failures
        self._our_fields = our_fields
        self._keys = Keys(name, keys, failures)
        # a key that rests, or a request that is refused, is an answer and does not count
        self._counted = (failures.unavailable, failures.timeout, failures.invalid_response)
        self._breaker = CircuitBreaker(
            fail_max=most_failures,
            reset_timeout=rest,
            exclude=[self._is_an_answer],
            listeners=[_Herald()],
            name=name,
            throw_new_error_on_trip=False,
        )
        _endpoints.add(self)

    async def asked(self, ask: Callable[[Key], Awaitable[Begun | None]]) -> Begun:
        """What one request came to. `ask` makes it with a key; None says that this one rests now. Raises what `ask` does, and Failures."""
        retrying = AsyncRetrying(retry=retry_if_exception(self._passes), wait=_delay, stop=stop_after_attempt(ATTEMPTS), reraise=True)
        try:
            return await retrying(self._attempt, ask)
        except CircuitBreakerError as open_circuit:
            raise self._failures.unavailable(self.name) from open_circuit

    def refused(self, answer: Answer, key: Key) -> None:
        """What any status but 200 means: the key rests where it is the key's fault; else what our client is told is raised."""
        log.warning("the upstream %s answered %d, key %d", self.name, answer.status, key.number)
        if answer.out_of_quota:
            key.rest(self._failures.quota_exhausted, LONG_REST)
        elif answer.key_refused:
            key.rest(self._failures.misconfigured, LONG_REST)
        elif answer.too_many:
            key.rest(self._failures.busy, answer.retry_after or SHORT_REST)
        elif answer.broken:
            raise self._failures.unavailable(self.name, retry_after=answer.retry_after)
        elif answer.about_the_request and answer.error.get("param") not in self._our_fields:
            raise self._failures.refused(self.name, self._without_keys(answer).reason)
        elif answer.successful:
            raise self._failures.invalid_response(self.name)
        else:
            raise self._failures.misconfigured(self.name)

    async def _attempt(self, ask: Callable[[Key], Awaitable[Begun | None]]) -> Begun:
        with self._breaker.calling():
            # each key once, though the rest of the first may be over before the last was asked with
            for _ in range(len(self._keys)):
                begun = await ask(self._keys.take())
                if begun is not None:
                    return begun
            raise self._keys.refusal()

    def _is_an_answer(self, error: BaseException) -> bool:
        """Asked by the circuit breaker, for which whatever is no failure is a success."""
        if not isinstance(error, Exception):
            # whoever asked has left: that is neither, and raised here it counts as neither
            raise error
        return not isinstance(error, self._counted)

    def _passes(self, error: BaseException) -> bool:
        """Whether the next second may bring another answer."""
        if not isinstance(error, UpstreamFailure):
            return False
        return isinstance(error, self._failures.unavailable | self._failures.busy) and (error.retry_after or 0) <= LONGEST_DELAY

    def _without_keys(self, answer: Answer) -> Answer:
        return replace(answer, error={name: self._keys.hidden(value) for name, value in answer.error.items()})


def circuits() -> dict[str, str]:
    """The state of every upstream's circuit in this process, by the upstream's name."""
    return {endpoint.name: endpoint._breaker.current_state for endpoint in list(_endpoints)}


_backoff = wait_exponential_jitter(multiplier=FIRST_DELAY, max=LONGEST_DELAY, jitter=FIRST_DELAY)


def _delay(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    told = error.retry_after if isinstance(error, UpstreamFailure) else None
    return max(_backoff(state), told or 0.0)
