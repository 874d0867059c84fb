"""The examples do what they say, against the running system."""

from __future__ import annotations

import json
import subprocess
import sys
import wave
import zipfile
from pathlib import Path

import httpx
import pytest
from websockets.sync.client import connect

from tests.clients.readers import NODE, environment
from tests.e2e.system import ROOT, System, free_port
from tests.e2e.talk import WORDS, phrase, understood
from tests.waiting import TIMEOUT_S

pytestmark = pytest.mark.shapes("deployed")

EXAMPLES = ROOT / "examples"
BROWSER = """
import {converse, samples, speech} from "%s/browser/voice.js";

const {address, secret} = await (await fetch(process.argv[2] + "/secret", {method: "POST"})).json();
let spoken = 0, answered = 0, said = "";
for await (const block of speech(process.argv[2] + "/speech", "A bottle of water.")) spoken += block.length;
const code = await new Promise((ended) => {
    const conversation = converse(address, secret, (event) => {
        if (event.type === "session.created") {
            conversation.hear(new Int16Array(2400));
            const content = [{type: "input_text", text: "A bottle of water."}];
            conversation.send({type: "conversation.item.create", item: {type: "message", role: "user", content}});
            conversation.send({type: "response.create"});
        } else if (event.type === "response.output_audio.delta") {
            answered += samples(event.delta).length;
        } else if (event.type === "response.output_audio_transcript.done") {
            said = event.transcript;
        } else if (event.type === "response.done") {
            conversation.close();
        } else if (event.type === "closed" || event.type === "error") {
            ended(event.code ?? event.error.code);
        }
    });
});
console.log(JSON.stringify({spoken, answered, said, code}));
"""
PIPECAT = """
import sys
from pipecat.services.openai.realtime import events
from services import conversation, speech, transcription
url, key = sys.argv[1:]
speech(url, key), transcription(url, key)
properties = conversation(url, key)._settings.session_properties
print(events.SessionUpdateEvent(session=properties).model_dump_json(exclude_none=True))
"""


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Somebody asks for a bottle of water."""
    path = tmp_path / "question.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(24_000)
        file.writeframes(phrase())
    return path


def run(system: System, command: list[str | Path], **more: str) -> str:
    """What an example prints."""
    known = {**system.environment, "VOICE_URL": system.url, "VOICE_KEY": system.key, **more}
    done = subprocess.run(command, env=known, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def python(name: str, *arguments: str | Path) -> list[str | Path]:
    return [sys.executable, EXAMPLES / "python" / name, *arguments]


def test_it_speaks(system: System, tmp_path: Path):
    told = run(system, python("speak.py", "Hello from my own machine.", tmp_path / "hello.mp3"))

    assert "streamed: " in told
    assert "job job_" in told
    assert (tmp_path / "hello.mp3").stat().st_size > 5000


def test_it_transcribes(system: System, recording: Path):
    text, *words, streamed = run(system, python("transcribe.py", recording)).splitlines()

    assert set(text.split()) >= WORDS
    assert len(words) == 3
    assert text.partition(": ")[2] == streamed.partition(": ")[2]


def test_it_makes_many_at_once(system: System, tmp_path: Path):
    told = run(system, python("jobs.py", tmp_path / "chapter.zip"))

    assert "state: completed" in told
    assert len(zipfile.ZipFile(tmp_path / "chapter.zip").namelist()) == 4


def test_it_talks(system: System, recording: Path, tmp_path: Path):
    you, answer = run(system, python("talk.py", recording, tmp_path / "answer.wav")).splitlines()

    with wave.open(str(tmp_path / "answer.wav")) as file:
        heard = understood(file.readframes(file.getnframes()))
    assert set(you.split()) >= WORDS
    assert you.partition(": ")[2] == answer.partition(": ")[2]
    assert heard >= WORDS


def test_a_shell_speaks_and_listens(system: System, tmp_path: Path):
    told = run(system, ["sh", EXAMPLES / "curl" / "speak.sh", tmp_path])

    assert set(told.split()) >= WORDS
    assert '"usage"' in told or '"data"' in told


def test_a_page_speaks_and_talks_without_a_key(system: System, tmp_path: Path):
    port = free_port()
    program = tmp_path / "page.mjs"
    program.write_text(BROWSER % EXAMPLES)
    serve = [sys.executable, str(EXAMPLES / "browser" / "server.py"), str(port)]
    environ = {**system.environment, "VOICE_URL": system.url, "VOICE_KEY": system.key}
    with subprocess.Popen(serve, env=environ, stderr=subprocess.PIPE, text=True) as server:
        try:
            page = httpx.Client(base_url=f"http://127.0.0.1:{port}", transport=httpx.HTTPTransport(retries=8))
            files = [page.get(path) for path in ("/", "/page.js", "/voice.js", "/recorder.js")]
            told = json.loads(run(system, [NODE, program, f"http://127.0.0.1:{port}"]))
        finally:
            server.terminate()

    assert [file.status_code for file in files] == [200] * 4
    assert not any(system.key in file.text for file in files)
    assert (told["said"], told["code"]) == ("A bottle of water.", 1000)
    assert told["spoken"] > 10_000
    assert told["answered"] > 10_000


def test_pipecat_is_set_up_with_what_is_understood(system: System):
    path = environment("pipecat")["PYTHONPATH"]
    update = run(system, [sys.executable, "-c", PIPECAT, system.url, system.key], PYTHONPATH=f"{path}:{EXAMPLES / 'pipecat'}")

    with connect(f"ws://127.0.0.1:{system.port}/v1/realtime", additional_headers=system.headers) as connection:
        connection.recv(timeout=TIMEOUT_S)
        connection.send(update)
        session = json.loads(connection.recv(timeout=TIMEOUT_S))

    assert session["type"] == "session.updated"
    assert session["session"]["audio"]["output"]["voice"] == "slt"


def test_all_of_them_are_named():
    named = (EXAMPLES / "README.md").read_text()

    assert [each.name for each in EXAMPLES.iterdir() if each.is_dir() and f"({each.name}/" not in named] == []
