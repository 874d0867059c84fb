"""Everything that a session can tell passes the strictest readers that clients have."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any, get_args

from openai.types.realtime import RealtimeServerEvent

import voice.realtime
from tests.clients.readers import Readers
from tests.clients.server_events import every_server_event

SOURCES = Path(voice.realtime.__path__[0])
KNOWN = {get_args(model.model_fields["type"].annotation)[0] for model in get_args(get_args(RealtimeServerEvent)[0])}
JOINED = {"conversation.item.input_audio_transcription.delta", "conversation.item.input_audio_transcription.completed"}
# whose names are put together where they are told


def kinds(events: list[str]) -> set[str]:
    return {json.loads(event)["type"] for event in events}


def named() -> set[str]:
    """The events that the sources name; the older dialect's renames them."""
    nodes = (node for file in SOURCES.glob("*.py") if file.name != "beta.py" for node in ast.walk(ast.parse(file.read_text())))
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in KNOWN}


def test_nothing_that_can_be_told_is_left_out_here():
    assert kinds(every_server_event(is_beta=False)) == named() | JOINED


def test_all_of_it_passes_the_readers(readers: Readers):
    assert readers.objections(every_server_event(is_beta=False)) == []


def test_all_of_it_passes_the_readers_of_the_beta_dialect(beta_readers: Readers):
    assert beta_readers.objections(every_server_event(is_beta=True)) == []


def test_a_reader_objects_to_what_is_wrong(readers: Readers, beta_readers: Readers):
    def objectors(of: Readers, **event: Any) -> set[str]:
        return {said.partition(":")[0] for said in of.objections([json.dumps(event)])}

    delta = {"type": "response.output_audio.delta", "event_id": "e", "response_id": "r", "item_id": "i", "output_index": 0, "delta": ""}
    extended = {"type": "input_audio_buffer.cleared", "event_id": "e", "extension": 1}

    assert objectors(readers, **delta) == {"openai", "pipecat", "openai-agents", "@openai/agents"}
    assert objectors(readers, type="voice.extension", event_id="e") == {"openai", "pipecat", "openai-agents", "@openai/agents"}
    assert "openai" in objectors(readers, **extended)
    assert objectors(beta_readers, **delta) == {"openai-2", "openai-1"}
