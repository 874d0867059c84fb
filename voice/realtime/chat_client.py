"""The `openai` library's client, and a completion that it streams. Importing it takes a second, which who needs no model is spared."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

import httpx2
from openai import APIConnectionError, APIError, APIStatusError, AsyncOpenAI, AsyncStream, Omit

from voice.realtime.chat_chunks import Reading
from voice.realtime.chat_request import Body, without_objected
from voice.realtime.responder import CallDelta, Delta, Words
from voice.realtime.responder_errors import (
    ResponderBroken,
    ResponderFailure,
    ResponderInvalidResponse,
    ResponderTimeout,
    ResponderUnavailable,
)
from voice.upstreams.answers import Answer
from voice.upstreams.keys import Key

CONNECT = 3.0
# seconds
COUNT = 0.5
# seconds that an answer which is over waits for how many tokens it had
KEPT_CONNECTIONS = 64

NAME = "chat"
# the endpoint's, in the log
UNUSED = "none"
# the library insists on a key; each request brings its own


class Client:
    """Used in one event loop, but may be made in any thread."""

    def __init__(self, url: str) -> None:
        # `trust_env` would read proxies and passwords that nobody named here
        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=KEPT_CONNECTIONS)
        http = httpx2.AsyncClient(timeout=httpx2.Timeout(None, connect=CONNECT), limits=limits, trust_env=False)
        self._openai = AsyncOpenAI(base_url=url, api_key=UNUSED, organization="", project="", max_retries=0, http_client=http)
        # which it else takes from the environment
        self._openai.organization = self._openai.project = None

    async def begun(self, body: Body, key: Key, *, next_within: float) -> Completion | Answer:
        """The completion, once something of it is there, or what is answered instead. Raises a ResponderFailure; has no limit itself."""
        while True:
            try:
                stream = await self._asked(body, key)
                break
            except APIStatusError as error:
                lighter = without_objected(body, _shown(error))
                if lighter is None:
                    return Answer.of(error.status_code, error.body, error.response.headers.get("retry-after", ""))
                body = lighter
            except APIConnectionError as gone:
                raise ResponderUnavailable(NAME) from gone
        completion = Completion(stream, next_within=next_within)
        try:
            await completion.begin()
        except BaseException:
            await completion.close()
            raise
        return completion

    async def _asked(self, body: Body, key: Key) -> AsyncStream[Any]:
        # `chat.completions.create` makes an object of every chunk, which takes twenty times as long as all we do with one
        headers: dict[str, str | Omit] = {"Authorization": Omit(), **key.headers}
        return await self._openai.post(
            "/chat/completions", cast_to=object, body=body, options={"headers": headers}, stream=True, stream_cls=AsyncStream[Any]
        )


class Completion:
    def __init__(self, stream: AsyncStream[Any], *, next_within: float) -> None:
        self._stream = stream
        self._next_within = next_within
        self._reading = Reading()
        self._first: list[Words | CallDelta] = []

    async def begin(self) -> None:
        """Wait for the first of it. Raises ResponderUnavailable or ResponderInvalidResponse."""
        while not self._first and not self._reading.ended:
            self._first = await self._read(ResponderUnavailable, ResponderInvalidResponse)

    async def deltas(self) -> AsyncGenerator[Delta, None]:
        """All of it. Raises ResponderBroken or ResponderTimeout."""
        for delta in self._first:
            yield delta
        while not self._reading.ended:
            try:
                async with asyncio.timeout(self._next_within):
                    found = await self._read(ResponderBroken, ResponderBroken)
            except TimeoutError as late:
                raise ResponderTimeout(NAME) from late
            for delta in found:
                yield delta
        await self._count()
        yield self._reading.finish()

    async def close(self) -> None:
        await self._stream.close()

    async def _count(self) -> None:
        """Read the rest, where the usage is. An answer that is there is none the worse without it."""
        try:
            async with asyncio.timeout(COUNT):
                while True:
                    await self._read(ResponderBroken, ResponderBroken)
        except (TimeoutError, ResponderBroken):
            return

    async def _read(self, cut: type[ResponderFailure], invalid: type[ResponderFailure]) -> list[Words | CallDelta]:
        """What the next chunk brings; `cut` where the connection went or an error came, `invalid` for what is no chunk, or none."""
        try:
            return self._reading.read(await anext(self._stream))
        except APIError as gone:
            raise cut(NAME) from gone
        except (ValueError, RecursionError, StopAsyncIteration) as nonsense:
            raise invalid(NAME) from nonsense


def _shown(error: APIStatusError) -> str:
    return error.body if isinstance(error.body, str) else json.dumps(error.body)
