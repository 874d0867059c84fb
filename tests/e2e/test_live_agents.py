"""Both Agents SDKs, unmodified and as they are set up of themselves, are heard and answered."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clients.readers import CLIENTS, NODE, PROGRAMS, environment
from tests.e2e.system import System
from tests.e2e.talk import MODEL, SILENCE, WORDS, phrase, understood
from tests.waiting import TIMEOUT_S

pytestmark = pytest.mark.shapes("deployed")

SDKS: dict[str, tuple[str, list[str | Path]]] = {
    "openai-agents": ("agents", [sys.executable, PROGRAMS / "agents_talk.py"]),
    "@openai/agents": ("node", [NODE, PROGRAMS / "agents_talk.mjs", CLIENTS / "js"]),
}


@pytest.mark.parametrize("sdk", SDKS)
def test_it_holds_a_conversation(system: System, tmp_path: Path, sdk: str):
    sound = tmp_path / "sound"
    sound.write_bytes(phrase() + SILENCE * 2)
    package, command = SDKS[sdk]
    url = f"{system.url.replace('http', 'ws', 1)}/v1/realtime?model={MODEL}"

    done = subprocess.run(
        [*command, url, system.key, sound], env=environment(package), capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )

    assert done.returncode == 0, done.stderr
    came = json.loads(done.stdout)
    assert came["errors"] == []
    assert set(came["said"]["user"].split()) >= WORDS
    assert set(came["said"]["assistant"].split()) >= WORDS
    assert understood(bytes.fromhex(came["audio"])) >= WORDS
