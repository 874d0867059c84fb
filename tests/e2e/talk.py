"""A conversation by the unmodified `openai` package: what is said into it, and what is told, all of it in the order it came."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

import numpy as np
from openai import AsyncOpenAI
from openai.resources.realtime.realtime import AsyncRealtimeConnection

from tests.e2e.system import System
from tests.e2e.test_understood import RECOGNISER_RATE
from tests.voice.recordings import spoken
from tests.waiting import TIMEOUT_S

MODEL = "gpt-realtime"
BLOCK = 4800  # bytes: 100 ms
RATE = 24_000
HEADER = 44
SILENCE = bytes(2 * RATE)  # a second
PHRASE = "She bought some bread and a bottle of water."
WORDS = {"bottle", "water"}  # understood over a telephone too


@cache
def phrase(text: str = PHRASE) -> bytes:
    """16 bit, mono, 24 kHz: what is in the WAV file of somebody who says it."""
    data = spoken(text)
    return data[HEADER : len(data) - len(data) % 2]


def understood(pcm: bytes, rate: int = RATE) -> set[str]:
    """The words that a recogniser hears."""
    import soxr
    from pocketsphinx import Decoder

    heard = soxr.resample(np.frombuffer(pcm, "<i2"), rate, RECOGNISER_RATE)
    decoder = Decoder(samprate=RECOGNISER_RATE, loglevel="FATAL")
    decoder.start_utt()
    decoder.process_raw(heard.astype("<i2").tobytes(), full_utt=True)
    decoder.end_utt()
    found = decoder.hyp()
    return set(found.hypstr.lower().split()) if found else set()


class Talk:
    """`told` is everything as it came over the wire; the events that are given back are what the package made of it."""

    def __init__(self, connection: AsyncRealtimeConnection) -> None:
        self.connection = connection
        self.told: list[str] = []
        self.audio = b""  # of the answers

    async def next(self) -> Any:
        async with asyncio.timeout(TIMEOUT_S):
            data = await self.connection.recv_bytes()
        self.told.append(data.decode())
        event: Any = self.connection.parse_event(data)
        if event.type == "response.output_audio.delta":
            self.audio += base64.b64decode(event.delta)
        return event

    async def until(self, kind: str) -> Any:
        """The next event of this kind."""
        while (event := await self.next()).type != kind:
            assert event.type != "error" or kind == "error", event
        return event

    async def hear(self, seconds: float) -> None:
        """Until so much of an answer has come."""
        while len(self.audio) < seconds * 2 * RATE:
            await self.next()

    async def set(self, **session: Any) -> Any:
        wanted: Any = {"type": "realtime", **session}
        await self.connection.session.update(session=wanted)
        return (await self.until("session.updated")).session

    async def say(self, sound: bytes, block: int = BLOCK) -> None:
        """As fast as it can be sent: times are those of the sound."""
        for place in range(0, len(sound), block):
            await self.connection.input_audio_buffer.append(audio=base64.b64encode(sound[place : place + block]).decode())

    async def write(self, text: str) -> None:
        await self.connection.conversation.item.create(
            item={"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
        )

    def kinds(self) -> list[str]:
        return [json.loads(text)["type"] for text in self.told]


@asynccontextmanager
async def talking(system: System, *, key: str = "", **options: Any) -> AsyncIterator[Talk]:
    async with (
        AsyncOpenAI(base_url=f"{system.url}/v1", api_key=key or system.key) as client,
        client.realtime.connect(**{"model": MODEL} | options) as connection,
    ):
        yield Talk(connection)
