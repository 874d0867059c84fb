"""What a session has workers do: each piece is an item like any other, kept nowhere, of a job that is not listed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Any

from channels.db import database_sync_to_async

from accounts.tokens import Identity
from config.errors import RateLimited, Refusal
from jobs import timestamps
from jobs.following import follow
from jobs.models import Item
from jobs.steps import leave, ordered, submit_step
from voice.services import SPEECH, Casting, Line
from voice.speech_stream.messages import Start
from voice.timing import ASKED, Timestamps

PCM = "pcm"
# 16 bit, mono, 24 kHz: whatever the client is sent is made of that, as one stream
LIMIT_RETRY = 0.25
LIMIT_PATIENCE = 5.0
# seconds between two tries of what the plan has no room for, and that there may be none while nothing of this session is made
LETTER = "a"
# what does not depend on the text is found out with it


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who was chosen at the session's start."""

    model: str
    language: str


class Reader:
    """Has texts spoken as the session's start says, in the order in which they are given."""

    def __init__(self, identity: Identity, start: Start) -> None:
        self._identity = identity
        self._start = start
        self._ordering = asyncio.Lock()
        self._under_way = 0
        # items that are being made

    async def speaker(self) -> Speaker:
        """Every Refusal for what can't be spoken, whatever the text, comes from here."""
        found: Speaker = await database_sync_to_async(self._chosen, thread_sensitive=False)()
        return found

    async def read(self, text: str, heard: Callable[[bytes], None]) -> tuple[int, dict[str, Any]]:
        """Tell the sound of a text as it is made; then the characters that were spoken, and the words and sentences that were asked for.

        Left before the end, nothing of it is made any more.
        """
        item = await self._ordered(text)
        self._under_way += 1
        try:
            async with aclosing(follow(item)) as blocks:
                async for block in blocks:
                    heard(block)
            asked = item.options[ASKED]
            timed = Timestamps.unpacked(await timestamps.of_ended(item)).shown(asked) if asked else {}
        except (asyncio.CancelledError, Refusal):
            await asyncio.shield(leave(item))
            raise
        finally:
            self._under_way -= 1
        return len(item.text), timed

    async def _ordered(self, text: str) -> Item:
        """One after the other, so that they are made in the order of the text."""
        async with self._ordering:
            patience = LIMIT_PATIENCE
            while True:
                try:
                    return await ordered(partial(self._submit, text))
                except RateLimited:
                    # the plan allows no more at a time: those before it, and what was cancelled, are about to end
                    if patience <= 0:
                        raise
                    patience -= 0 if self._under_way else LIMIT_RETRY
                    await asyncio.sleep(LIMIT_RETRY)

    def _chosen(self) -> Speaker:
        script = Casting(self._identity.user).script(self._line(LETTER))
        return Speaker(script.chosen.voice.model.name, script.chosen.language)

    def _submit(self, text: str) -> Item:
        order = Casting(self._identity.user).order(self._line(text), store=False, fresh=True)
        return submit_step(self._identity, SPEECH, order)

    def _line(self, text: str) -> Line:
        start = self._start
        return Line(
            text=text,
            voice=start.voice,
            model=start.model,
            format=PCM,
            language=start.language,
            speed=start.speed,
            seed=start.seed,
            normalize=start.normalize,
            lexicon=start.lexicon,
            timestamps=start.timestamps,
        )
