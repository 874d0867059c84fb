"""Time to the first and the last byte over HTTP, beside the same engine called directly."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import httpx

from benchmarks.figures import line
from tests.e2e.system import System, running

ROUNDS = 30
TEXT = (
    "The service takes your text and gives you speech. It starts to speak before the last sentence is ready. "
    "Nothing is lost when a worker goes away, because every piece of work is written down."
)
# about ten seconds in the voice `slt`

Run = Callable[[], tuple[float, float]]
# seconds to the first and to the last of it


def report(folder: Path, postgres_url: str, redis_url: str) -> None:
    direct = _rounds("Flite (slt) called directly, sentence by sentence", _direct())
    with running(folder / "embedded") as system:
        embedded = _rounds("HTTP, one process (SQLite, memory), daphne, pcm", _over_http(system, "pcm"))
        _rounds("HTTP, one process (SQLite, memory), daphne, mp3", _over_http(system, "mp3"))
    with running(folder / "deployed", server="uvicorn", workers=1, DATABASE_URL=postgres_url, REDIS_URL=redis_url) as system:
        deployed = _rounds("HTTP, web and worker apart (PostgreSQL, Redis), uvicorn, pcm", _over_http(system, "pcm"))
        _rounds("HTTP, web and worker apart (PostgreSQL, Redis), uvicorn, mp3", _over_http(system, "mp3"))
    for name, (first, last) in (("one process", embedded), ("web and worker apart", deployed)):
        print(f"{name}: first byte {1000 * (first - direct[0]):+.1f} ms, total {last / direct[1]:.2f} times the direct call")


def _rounds(name: str, run: Run) -> tuple[float, float]:
    """Medians of the first and the last byte."""
    run()
    taken = [run() for _ in range(ROUNDS)]
    firsts, lasts = [first for first, _ in taken], [last for _, last in taken]
    print(f"{name}:")
    line("to the first byte", firsts)
    line("to the last byte", lasts)
    return sorted(firsts)[ROUNDS // 2], sorted(lasts)[ROUNDS // 2]


def _direct() -> Run:
    from voice.engines import available
    from voice.engines.base import Utterance
    from voice.text import plan

    engine = next(engine for engine in available() if engine.name == "flite")

    def run() -> tuple[float, float]:
        started = time.perf_counter()
        first = 0.0
        for sentence in plan(TEXT, "en"):
            for _ in engine.synthesize(Utterance(text=sentence.text, speaker="slt", language="en")):
                first = first or time.perf_counter() - started
        return first, time.perf_counter() - started

    return run


def _over_http(system: System, form: str) -> Run:
    client = httpx.Client(base_url=system.url, headers=system.headers, timeout=60)
    body = {"model": "flite", "voice": "slt", "input": TEXT, "response_format": form}

    def run() -> tuple[float, float]:
        started = time.perf_counter()
        first = 0.0
        with client.stream("POST", "/v1/audio/speech", json=body, headers={"Cache-Control": "no-cache"}) as answer:
            assert answer.status_code == 200
            for _ in answer.iter_raw():
                first = first or time.perf_counter() - started
        return first, time.perf_counter() - started

    return run
