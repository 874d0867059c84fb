"""Reads events as pipecat does, with its own parser; it passes over what it has no model of."""

from __future__ import annotations

import json
import sys

from pipecat.services.openai.realtime.events import parse_server_event


def _objection(line: str) -> str:
    try:
        event = parse_server_event(line)
    except Exception as error:
        return str(error)
    return "" if event is not None else "no model of it"


for line in sys.stdin:
    sys.stdout.write(json.dumps(_objection(line)) + "\n")
    sys.stdout.flush()
