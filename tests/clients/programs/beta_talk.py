"""A conversation by an `openai` of the beta's time, as its documentation has it: `beta_talk.py BASE_URL KEY SOUND`.

Prints all that it was told, an event a line. `SOUND` is what is said: a file of 16 bit, mono, 24 kHz.
"""

from __future__ import annotations

import asyncio
import base64
import sys
from pathlib import Path
from typing import Any

from openai import AsyncOpenAI

MODEL = "gpt-4o-realtime-preview"
BLOCK = 4800
PATIENCE = 180
WEATHER = {"type": "function", "name": "weather", "description": "Of a place.", "parameters": {"type": "object", "properties": {}}}


class Talk:
    def __init__(self, connection: Any) -> None:
        self.connection = connection

    async def until(self, kind: str) -> Any:
        while True:
            async with asyncio.timeout(PATIENCE):
                data = await self.connection.recv_bytes()
            sys.stdout.write(data.decode() + "\n")
            event = self.connection.parse_event(data)
            if event.type == kind:
                return event

    async def say(self, sound: bytes) -> None:
        for place in range(0, len(sound), BLOCK):
            await self.connection.input_audio_buffer.append(audio=base64.b64encode(sound[place : place + BLOCK]).decode())

    async def write(self, text: str) -> None:
        item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
        await self.connection.conversation.item.create(item=item)


async def converse(talk: Talk, sound: bytes) -> None:
    connection = talk.connection
    await talk.until("session.created")
    heard = {"model": "whisper-1", "language": "en"}
    session = {"modalities": ["text", "audio"], "voice": "ash", "input_audio_format": "pcm16", "input_audio_transcription": heard}
    await connection.session.update(session={**session, "turn_detection": {"type": "server_vad", "silence_duration_ms": 400}})
    await talk.until("session.updated")
    await talk.say(sound)
    answered = await talk.until("response.done")
    said = answered.response.output[0].id
    await connection.conversation.item.truncate(item_id=said, content_index=0, audio_end_ms=500)
    await talk.until("conversation.item.truncated")
    await connection.conversation.item.retrieve(item_id=said)
    await talk.until("conversation.item.retrieved")

    await talk.write("This is to be cut off before it has come to its end. " * 40)
    await connection.response.create()
    await talk.until("response.audio.delta")
    await connection.response.cancel()
    await talk.until("response.done")

    await connection.session.update(session={"modalities": ["text"], "tools": [WEATHER], "tool_choice": "required", "turn_detection": None})
    await talk.until("session.updated")
    await connection.response.create()
    call = await talk.until("response.function_call_arguments.done")
    await talk.until("response.done")
    item = {"type": "function_call_output", "call_id": call.call_id, "output": "It will not rain."}
    await connection.conversation.item.create(item=item)
    await connection.response.create()
    await talk.until("response.text.done")
    await talk.until("response.done")


async def transcribe(talk: Talk, sound: bytes) -> None:
    await talk.until("session.created")
    await talk.connection.transcription_session.update(session={"input_audio_transcription": {"model": "whisper-1", "language": "en"}})
    await talk.until("transcription_session.updated")
    await talk.say(sound)
    await talk.until("conversation.item.input_audio_transcription.completed")


async def main() -> None:
    base_url, key, file = sys.argv[1:]
    sound = Path(file).read_bytes()  # noqa: ASYNC240
    client = AsyncOpenAI(base_url=base_url, api_key=key)
    socket = base_url.replace("http", "ws", 1)
    client = client.copy(websocket_base_url=socket)
    async with client.beta.realtime.connect(model=MODEL) as connection:
        await converse(Talk(connection), sound)
    async with client.beta.realtime.connect(model=MODEL, extra_query={"intent": "transcription"}) as connection:
        await transcribe(Talk(connection), sound)


asyncio.run(main())
