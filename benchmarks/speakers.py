"""Who speaks a text in `benchmarks.neural`: this service, Coqui's `tts-server`, or the engine called directly."""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from benchmarks.figures import processor_time
from tests.e2e.system import ROOT, System
from tests.neural.makers import VITS_RATE
from tests.servers import free_port
from voice.audio.encode import SAMPLE_BYTES
from voice.audio.pcm import RATE
from voice.engines.base import Source, Utterance
from voice.engines.coqui import Coqui, Settings
from voice.text import plan

START_PATIENCE = 60
# seconds
ANSWER_PATIENCE = 120
# seconds: sixteen clients of a server that does one thing at a time
WORDS = (
    ("quiet", "young", "cheerful", "careful", "famous", "patient", "clever", "honest"),
    ("gardener", "captain", "teacher", "painter", "doctor", "baker", "farmer", "sailor"),
    ("carries", "follows", "repairs", "forgets", "watches", "praises", "borrows", "collects"),
    ("seven old lamps", "a heavy basket", "the last letter", "nine blue boxes", "a broken clock", "the long rope", "a small boat"),
    ("before dawn", "after supper", "on the bridge", "near the station", "in the garden", "by the river", "at the market"),
)


@dataclass(frozen=True, slots=True)
class Taken:
    """What one text took, in seconds."""

    first: float
    # to the first byte of audio
    last: float
    # to the last one
    audio: float
    # what it lasts


Speak = Callable[[str], Taken]


@dataclass(frozen=True, slots=True)
class Speaker:
    name: str
    connect: Callable[[], Speak]
    # one client
    processes: tuple[int, ...] = ()

    def processor_time(self) -> float:
        return sum(processor_time(process) for process in self.processes)


def texts(sentences: int) -> Iterator[str]:
    """Texts of so many sentences of some sixty characters, none of them twice."""
    known = list(itertools.product(*WORDS))
    random.Random(sentences).shuffle(known)
    spoken = (f"The {adjective} {who} {does} {what} {where}." for adjective, who, does, what, where in known)
    for first in spoken:
        yield " ".join([first, *itertools.islice(spoken, sentences - 1)])


def service(system: System, model: str, form: str, **options: Any) -> Speaker:
    """Over HTTP, never from what was made before."""
    fields = {"model": model, "voice": model, "response_format": form, **options}
    headers = {**system.headers, "Cache-Control": "no-cache"}
    return Speaker(
        name=f"this service, {form}{' streamed' if 'stream_format' in options else ''}",
        connect=lambda: _over_http(f"{system.url}/v1/audio/speech", RATE, lambda text: {"json": fields | {"input": text}}, headers=headers),
        processes=(system.web.pid, *(worker.pid for worker in system.workers)),
    )


@contextmanager
def tts_server(folder: Path) -> Iterator[Speaker]:
    """Its own route: the one like OpenAI's reads its own WAV back, which fails where FFmpeg's libraries are missing."""
    port = free_port()
    arguments = ["--model_path", str(folder / "model.pth"), "--config_path", str(folder / "config.json"), "--port", str(port)]
    url = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.tts_server", *arguments], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait_for(f"{url}/locales", process)
        yield Speaker(
            name="tts-server, wav",
            connect=lambda: _over_http(f"{url}/api/tts", VITS_RATE, lambda text: {"data": {"text": text}}),
            processes=(process.pid,),
        )
    finally:
        process.terminate()
        process.wait()


def direct(folder: Path) -> Speaker:
    """The engine in this process, sentence by sentence, without any of what makes a service of it."""
    engine = Coqui(Settings(models=folder.parent))
    model = Source(folder.name, str(folder))

    def sounds(text: str) -> Iterator[bytes]:
        for sentence in plan(text, "en"):
            for pcm in engine.synthesize(Utterance(text=sentence.text, speaker=model.name, language="en", model=model)):
                yield pcm.tobytes()

    return Speaker(
        name="a direct call",
        connect=lambda: lambda text: _timed(time.perf_counter(), sounds(text), VITS_RATE),
        processes=(os.getpid(),),
    )


def _over_http(url: str, rate: int, body: Callable[[str], dict[str, Any]], *, headers: dict[str, str] | None = None) -> Speak:
    client = httpx.Client(headers=headers, timeout=ANSWER_PATIENCE, verify=False)

    def speak(text: str) -> Taken:
        started = time.perf_counter()
        with client.stream("POST", url, **body(text)) as answer:
            assert answer.status_code == 200, answer.read()
            return _timed(started, answer.iter_raw(), rate)

    return speak


def _timed(started: float, data: Iterable[bytes], rate: int) -> Taken:
    first, size = 0.0, 0
    for piece in data:
        first = first or time.perf_counter() - started
        size += len(piece)
    return Taken(first, time.perf_counter() - started, size / SAMPLE_BYTES / rate)


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(url).status_code == 200:
                return
        time.sleep(0.2)
    raise RuntimeError("tts-server did not start")
