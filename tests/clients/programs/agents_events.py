"""Reads events as the Agents SDK's realtime model does: what it can't read it hands to the app as an error."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from agents.realtime.model_events import RealtimeModelErrorEvent, RealtimeModelEvent, RealtimeModelExceptionEvent
from agents.realtime.openai_realtime import OpenAIRealtimeWebSocketModel


class Errors:
    def __init__(self) -> None:
        self.seen: list[str] = []

    async def on_event(self, event: RealtimeModelEvent) -> None:
        if isinstance(event, RealtimeModelErrorEvent):
            self.seen.append(str(event.error))
        elif isinstance(event, RealtimeModelExceptionEvent):
            self.seen.append(repr(event.exception))


async def main() -> None:
    for line in sys.stdin:
        told: dict[str, Any] = json.loads(line)
        model, errors = OpenAIRealtimeWebSocketModel(), Errors()
        model.add_listener(errors)
        try:
            await model._handle_ws_event(told)
        except AssertionError as error:
            # it wants to answer, and is not connected: so it has read it
            if str(error) != "Not connected":
                raise
        objections = [] if told["type"] == "error" else errors.seen
        sys.stdout.write(json.dumps("; ".join(objections)) + "\n")
        sys.stdout.flush()


asyncio.run(main())
