"""A conversation by the Agents SDK as its documentation has it: `agents_talk.py SOCKET_URL KEY SOUND`. Prints what came of it."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from agents.realtime import RealtimeAgent, RealtimeRunner
from agents.realtime.model import RealtimeModelConfig

PATIENCE = 180
BLOCK = 4800


async def main() -> None:
    url, key, file = sys.argv[1:]
    sound = Path(file).read_bytes()  # noqa: ASYNC240
    runner = RealtimeRunner(RealtimeAgent(name="Assistant", instructions="Be kind."))
    config: RealtimeModelConfig = {"url": url, "api_key": key}
    errors: list[str] = []
    audio = b""
    said: dict[str, str] = {}
    async with asyncio.timeout(PATIENCE), await runner.run(model_config=config) as session:
        for place in range(0, len(sound), BLOCK):
            await session.send_audio(sound[place : place + BLOCK])
        async for event in session:
            if event.type == "error":
                errors.append(repr(event.error))
            elif event.type == "audio":
                audio += event.audio.data
            elif event.type == "history_updated":
                said = {item.role: _text(item) for item in event.history if item.type == "message"}
            if said.get("user") and said.get("assistant") and event.type in {"agent_end", "history_updated"} and len(audio) > BLOCK * 10:
                break
    sys.stdout.write(json.dumps({"errors": errors, "audio": audio.hex(), "said": said}))


def _text(item: Any) -> str:
    return "".join(part.transcript or "" for part in item.content if part.type in {"input_audio", "audio"})


asyncio.run(main())
