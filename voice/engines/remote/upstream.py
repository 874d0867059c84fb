"""One upstream that speaks: what it is asked, and what comes of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import httpx

from config.upstreams import Upstream, UpstreamVoice
from voice.engines.base import Pcm, Utterance
from voice.engines.remote.answers import OUR_FIELDS, read
from voice.engines.remote.audio import SAMPLE_BYTES, Audio
from voice.engines.remote.errors import SPEECH, UpstreamBusy, UpstreamTimeout, UpstreamUnavailable
from voice.text import normalise, plan
from voice.upstreams.endpoint import Endpoint
from voice.upstreams.keys import Key

CONNECT = 5.0
# seconds
SECONDS_A_CHARACTER = 1.0
# of audio, at most: a digit or a sign may become a word
SECONDS_A_TEXT = 10.0
# of audio more, at most
ANY_LANGUAGE = "mul"


class Client:
    """Used in one event loop only; what it keeps is shared by all of the process's threads."""

    def __init__(self, upstream: Upstream) -> None:
        self.upstream = upstream
        self._turns = asyncio.Semaphore(upstream.concurrency)
        self._endpoint = Endpoint(
            upstream.name, upstream.keys, SPEECH, most_failures=upstream.failures, rest=upstream.rest, our_fields=OUR_FIELDS
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
        return await self._endpoint.asked(lambda key: self._asked(body, most, key))

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
                answer = await read(response)
                await response.aclose()
                self._endpoint.refused(answer, key)
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
