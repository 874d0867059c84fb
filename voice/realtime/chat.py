"""Answers through a language model: any server that takes OpenAI's `POST /chat/completions` and streams."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import aclosing
from typing import TYPE_CHECKING

from pydantic import SecretStr

from voice.realtime.chat_request import Body, body_of
from voice.realtime.responder import Delta, Finish, Prompt, Words
from voice.realtime.responder_errors import CHAT, ResponderFailure, ResponderTimeout
from voice.upstreams.answers import Answer
from voice.upstreams.endpoint import Endpoint
from voice.upstreams.keys import Key

if TYPE_CHECKING:
    from voice.realtime.chat_client import Client, Completion

MOST_FAILURES = 5
# in a row, after which the endpoint is left alone
REST = 15.0
# seconds for which it is
OUR_FIELDS = frozenset({"model", "stream"})
# what the operator chose, not who talks
FILTERED = "content_filter"
# the code of a refusal that some filter of what is said makes before the model has it

log = logging.getLogger(__name__)


class _Filtered(Exception):
    pass


class Chat:
    """Tried again, with another key or later, only before the first word: nobody hears an answer begin twice."""

    def __init__(
        self,
        *,
        url: str,
        model: str,
        keys: Sequence[SecretStr] = (),
        first_within: float,
        next_within: float,
        fallback: str = "",
        most_failures: int = MOST_FAILURES,
        rest: float = REST,
    ) -> None:
        """Seconds; the fallback is said where nothing else comes, and where it is empty, the failure is raised."""
        self._model = model
        self._first_within = first_within
        self._next_within = next_within
        self._fallback = fallback
        self._endpoint = Endpoint("chat", keys, CHAT, most_failures=most_failures, rest=rest, our_fields=OUR_FIELDS)
        self._client = _made_aside(url)

    async def respond(self, prompt: Prompt) -> AsyncGenerator[Delta, None]:
        try:
            completion = await self._begun(prompt)
        except _Filtered:
            yield Finish("filter")
            return
        except ResponderFailure as failure:
            if not self._fallback:
                raise
            log.warning("the fallback is said: %s", failure.code)
            yield Words(self._fallback)
            yield Finish("stop")
            return
        try:
            async with aclosing(completion.deltas()) as deltas:
                async for delta in deltas:
                    yield delta
        finally:
            await completion.close()

    async def _begun(self, prompt: Prompt) -> Completion:
        client = await asyncio.shield(asyncio.wrap_future(self._client))
        body = body_of(prompt, self._model)
        deadline = asyncio.get_running_loop().time() + self._first_within
        return await self._endpoint.asked(lambda key: self._asked(client, body, key, deadline))

    async def _asked(self, client: Client, body: Body, key: Key, deadline: float) -> Completion | None:
        """The answer that one request came to; None where its key rests now."""
        try:
            async with asyncio.timeout_at(deadline):
                begun = await client.begun(body, key, next_within=self._next_within)
        except TimeoutError as late:
            raise ResponderTimeout(self._endpoint.name) from late
        if not isinstance(begun, Answer):
            return begun
        if begun.error.get("code") == FILTERED:
            raise _Filtered
        self._endpoint.refused(begun, key)
        return None


def _made_aside(url: str) -> Future[Client]:
    """In a thread, for it takes a second: whoever has begun to talk is heard meanwhile."""

    def made() -> Client:
        from voice.realtime.chat_client import Client

        return Client(url)

    executor = ThreadPoolExecutor(1, thread_name_prefix="chat")
    try:
        return executor.submit(made)
    finally:
        executor.shutdown(wait=False)
