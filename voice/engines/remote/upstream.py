"""One upstream: a request, tried again where that may help, with another key where one rests, and not at all while it is broken."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import httpx
from pybreaker import CircuitBreaker, CircuitBreakerError, CircuitBreakerListener, CircuitBreakerState
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt, wait_exponential_jitter

from config.upstreams import Upstream, UpstreamVoice
from voice.engines.base import Pcm, Utterance
from voice.engines.remote.answers import refused
from voice.engines.remote.audio import SAMPLE_BYTES, Audio
from voice.engines.remote.errors import (
    UpstreamBusy,
    UpstreamFailure,
    UpstreamInvalidResponse,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from voice.engines.remote.keys import Key, Keys
from voice.text import normalise, plan

CONNECT = 5.0
# seconds
ATTEMPTS = 3
FIRST_DELAY = 0.2
# seconds before the second; doubled, with as much again by chance
LONGEST_DELAY = 2.0
# seconds; who is told to wait longer gives up, and the item may come again
SECONDS_A_CHARACTER = 1.0
# of audio, at most: a digit or a sign may become a word
SECONDS_A_TEXT = 10.0
# of audio more, at most
FAILURES = (UpstreamUnavailable, UpstreamTimeout, UpstreamInvalidResponse)
# what the circuit breaker counts: a key that rests, or a text that is refused, is an answer
ANY_LANGUAGE = "mul"

log = logging.getLogger(__name__)


class _Herald(CircuitBreakerListener):
    def state_change(self, cb: CircuitBreaker, old_state: CircuitBreakerState | None, new_state: CircuitBreakerState) -> None:
        log.warning("the circuit of the upstream %s is %s", cb.name, new_state.name)


class Client:
    """Used in one event loop only; what it keeps is shared by all of the process's threads."""

    def __init__(self, upstream: Upstream) -> None:
        self.upstream = upstream
        self._keys = Keys(upstream.name, upstream.keys)
        self._turns = asyncio.Semaphore(upstream.concurrency)
        self._breaker = CircuitBreaker(
            fail_max=upstream.failures,
            reset_timeout=upstream.rest,
            exclude=[_is_an_answer],
            listeners=[_Herald()],
            name=upstream.name,
            throw_new_error_on_trip=False,
        )
        # `trust_env` would read proxies and passwords that nobody named here
        self._http = httpx.AsyncClient(
            timeout=httpx.Timeout(upstream.timeout, connect=min(CONNECT, upstream.timeout)),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=upstream.concurrency),
            trust_env=False,
        )

    async def speak(self, utterance: Utterance, voice: UpstreamVoice) -> AsyncGenerator[Pcm, None]:
        """Blocks at the upstream's rate. Raises UpstreamRefused, or an UpstreamFailure."""
        for text in _parts(utterance, self.upstream.characters):
            async with self._turn():
                audio = await self._begun(self._body(text, utterance, voice), most=self._most_bytes(text, utterance.speed))
                try:
                    async with aclosing(audio.blocks()) as blocks:
                        async for block in blocks:
                            yield block
                finally:
                    await audio.close()

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        try:
            # not `wait_for`, which forgets that it was cancelled where the turn comes at the same moment
            async with asyncio.timeout(self.upstream.timeout):
                await self._turns.acquire()
        except TimeoutError as late:
            raise UpstreamBusy(self.upstream.name) from late
        try:
            yield
        finally:
            self._turns.release()

    def _body(self, text: str, utterance: Utterance, voice: UpstreamVoice) -> dict[str, Any]:
        body: dict[str, Any] = {"model": self.upstream.model, "input": text, "voice": voice.asked_as, "response_format": "pcm"}
        if utterance.instructions:
            body["instructions"] = utterance.instructions
        if utterance.speed != 1:
            body["speed"] = utterance.speed
        if "language" in self.upstream.passes and utterance.language != ANY_LANGUAGE:
            body["language"] = utterance.language
        if "seed" in self.upstream.passes and utterance.seed is not None:
            body["seed"] = utterance.seed
        return body

    def _most_bytes(self, text: str, speed: float) -> int:
        seconds = SECONDS_A_TEXT + SECONDS_A_CHARACTER * len(text) / min(speed, 1.0)
        return round(seconds * self.upstream.rate) * SAMPLE_BYTES

    async def _begun(self, body: dict[str, Any], *, most: int) -> Audio:
        """The answer, once its first bytes are there and are audio."""
        retrying = AsyncRetrying(retry=retry_if_exception(_passes), wait=_delay, stop=stop_after_attempt(ATTEMPTS), reraise=True)
        try:
            audio: Audio = await retrying(self._attempt, body, most)
        except CircuitBreakerError as open_circuit:
            raise UpstreamUnavailable(self.upstream.name) from open_circuit
        return audio

    async def _attempt(self, body: dict[str, Any], most: int) -> Audio:
        with self._breaker.calling():
            # each key once, though the rest of the first may be over before the last was asked with
            for _ in range(len(self._keys)):
                audio = await self._asked(body, most, self._keys.take())
                if audio is not None:
                    return audio
            raise self._keys.refusal()

    async def _asked(self, body: dict[str, Any], most: int, key: Key) -> Audio | None:
        """The audio that one request came to; None where its key rests now."""
        name = self.upstream.name
        headers = {"Accept": "application/octet-stream", "Accept-Encoding": "identity", **key.headers}
        request = self._http.build_request("POST", f"{self.upstream.url}/audio/speech", json=body, headers=headers)
        try:
            response = await self._http.send(request, stream=True)
        except httpx.ConnectTimeout as gone:
            raise UpstreamUnavailable(name) from gone
        except httpx.TimeoutException as late:
            raise UpstreamTimeout(name) from late
        except httpx.HTTPError as gone:
            raise UpstreamUnavailable(name) from gone
        try:
            if response.status_code != httpx.codes.OK:
                await refused(response, self.upstream, key)
                await response.aclose()
                return None
            audio = Audio(response, upstream=name, most=most)
            await audio.begin()
        except BaseException:
            await response.aclose()
            raise
        return audio


def _parts(utterance: Utterance, most: int) -> list[str]:
    """The text as it is, or in parts that end with a sentence where it is longer than the upstream takes."""
    if len(utterance.text) <= most:
        return [utterance.text]
    parts: list[str] = []
    for sentence in plan(normalise(utterance.text), utterance.language):
        if parts and len(parts[-1]) + 1 + len(sentence.text) <= most:
            parts[-1] += f" {sentence.text}"
        else:
            parts.append(sentence.text)
    return parts


def _passes(error: BaseException) -> bool:
    """Whether the next second may bring another answer."""
    return isinstance(error, UpstreamUnavailable | UpstreamBusy) and (error.retry_after or 0) <= LONGEST_DELAY


_backoff = wait_exponential_jitter(initial=FIRST_DELAY, max=LONGEST_DELAY, jitter=FIRST_DELAY)


def _delay(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    told = error.retry_after if isinstance(error, UpstreamFailure) else None
    return max(_backoff(state), told or 0.0)


def _is_an_answer(error: BaseException) -> bool:
    """Asked by the circuit breaker, for which whatever is no failure is a success."""
    if not isinstance(error, Exception):
        # whoever asked has left: that is neither, and raised here it counts as neither
        raise error
    return not isinstance(error, FAILURES)
