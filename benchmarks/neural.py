"""Speech by a model: this service, with one worker, beside Coqui's own `tts-server` and beside a direct call.

All of them speak the same texts with the same reduced VITS, in turns, so that whatever else the machine does falls on each of them.
"""

from __future__ import annotations

import itertools
import json
import os
import statistics
import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figures import MILLISECONDS, quantile
from benchmarks.speakers import Speak, Speaker, Taken, direct, service, texts, tts_server
from tests.e2e.system import running
from tests.neural.makers import SMALL_VITS, make_vits

MODEL = "small"
LEVELS = (1, 4, 8, 16)
# clients at a time
ROUNDS = 3
REQUESTS = 24
# in a round at each level
SHORT = 2
# sentences of their texts
LONG = 10
# sentences of a text whose first byte is waited for
LONGS = 3
# such texts in a round
BUSY = 8
MORE_REQUESTS = 1.3
# goal for so many clients, times those of tts-server
LONGEST = 1.15
# goal for one client, times a direct call
SOONEST = 0.25
# goal for the first byte, times that of tts-server


@dataclass(frozen=True, slots=True)
class Load:
    """What clients met who asked again as soon as they were answered."""

    rate: float
    # requests a second
    p50: float
    # seconds to the last byte
    p95: float
    processor: float
    # seconds of the server's processes for each request
    audio: float
    # seconds in an answer


Loads = dict[tuple[int, str], list[Load]]
"""By the number of clients and the speaker's name, one for each round."""
Firsts = dict[str, list[float]]
"""Seconds to the first byte by the speaker's name, one for each text."""


def report(folder: Path, postgres_url: str, redis_url: str) -> None:
    model = _make(folder / MODEL)
    services = {"DATABASE_URL": postgres_url, "REDIS_URL": redis_url, "WRITE_RATE": "1000000/m"}
    with tts_server(model) as theirs, running(folder / "neural", server="uvicorn", workers=1, **services) as system:
        system.run("models", "add", MODEL, str(model))
        wav, pcm = service(system, MODEL, "wav"), service(system, MODEL, "pcm")
        streamed = service(system, MODEL, "wav", stream_format="audio")
        call = direct(model)
        loads: Loads = defaultdict(list)
        firsts: Firsts = defaultdict(list)
        short, long = texts(SHORT), texts(LONG)
        warm = list(itertools.islice(short, BUSY))
        for speaker in (theirs, wav, pcm, streamed):
            _drive(speaker, BUSY, warm)
        _drive(call, 1, warm)
        for number in range(ROUNDS):
            # who was first in one round is last in the next
            turn = slice(None, None, -1 if number % 2 else 1)
            for clients in LEVELS:
                asked = list(itertools.islice(short, REQUESTS))
                for speaker in [theirs, wav, pcm, *([call] if clients == 1 else [])][turn]:
                    loads[clients, speaker.name].append(_drive(speaker, clients, asked))
            for text in itertools.islice(long, LONGS):
                for speaker in [theirs, streamed, pcm][turn]:
                    firsts[speaker.name].append(speaker.connect()(text).first)
    _tell(loads, firsts)
    print("Goals, as medians of what each round gave:")
    _goal(f"{BUSY} clients: requests, times those of {theirs.name}", _ratio(loads, "rate", BUSY, wav, theirs), at_least=MORE_REQUESTS)
    _goal(f"one client: duration, times that of {call.name}", _ratio(loads, "p50", 1, wav, call), at_most=LONGEST)
    _goal(
        f"{LONG} sentences: first byte, times that of {theirs.name}", _median_ratio(firsts[pcm.name], firsts[theirs.name]), at_most=SOONEST
    )


def _make(folder: Path) -> Path:
    """The model. What random weights say is so faint that tts-server would take its end for silence and leave it out."""
    make_vits(folder, sizes=SMALL_VITS)
    path = folder / "config.json"
    config = json.loads(path.read_text())
    config["audio"]["do_trim_silence"] = False
    path.write_text(json.dumps(config))
    return folder


def _drive(speaker: Speaker, clients: int, asked: Sequence[str]) -> Load:
    """Let clients take the texts one by one."""
    left, lock = iter(asked), threading.Lock()

    def client(speak: Speak) -> list[Taken]:
        taken: list[Taken] = []
        while True:
            with lock:
                text = next(left, None)
            if text is None:
                return taken
            taken.append(speak(text))

    connected = [speaker.connect() for _ in range(clients)]
    with ThreadPoolExecutor(clients) as pool:
        worked, started = speaker.processor_time(), time.perf_counter()
        taken = list(itertools.chain.from_iterable(pool.map(client, connected)))
        lasted, worked = time.perf_counter() - started, speaker.processor_time() - worked
    lasts = [each.last for each in taken]
    return Load(
        rate=len(taken) / lasted,
        p50=statistics.median(lasts),
        p95=quantile(lasts, 0.95),
        processor=worked / len(taken),
        audio=statistics.mean(each.audio for each in taken),
    )


def _tell(loads: Loads, firsts: Firsts) -> None:
    print(f"A reduced VITS, {ROUNDS} rounds of {REQUESTS} texts of {SHORT} sentences each, load of the machine {os.getloadavg()[0]:.1f}:")
    for (clients, name), rounds in loads.items():
        rate, p50, p95, worked, audio = (
            statistics.median(getattr(load, field) for load in rounds) for field in ("rate", "p50", "p95", "processor", "audio")
        )
        durations = f"p50 {MILLISECONDS * p50:>6.0f} ms   p95 {MILLISECONDS * p95:>6.0f} ms"
        print(
            f"  {clients:>2} clients  {name:<28} {rate:>6.2f}/s   {durations}   processor {MILLISECONDS * worked:>5.0f} ms   {audio:.1f} s"
        )
    print(f"The first byte of {LONG} sentences:")
    for name, taken in firsts.items():
        print(f"  {name:<40} p50 {MILLISECONDS * statistics.median(taken):>6.0f} ms   p95 {MILLISECONDS * quantile(taken, 0.95):>6.0f} ms")


def _ratio(loads: Loads, field: str, clients: int, one: Speaker, other: Speaker) -> float:
    mine, theirs = ([float(getattr(load, field)) for load in loads[clients, speaker.name]] for speaker in (one, other))
    return _median_ratio(mine, theirs)


def _median_ratio(mine: Sequence[float], theirs: Sequence[float]) -> float:
    return statistics.median(one / other for one, other in zip(mine, theirs, strict=True))


def _goal(name: str, measured: float, *, at_least: float = 0.0, at_most: float = float("inf")) -> None:
    wanted = f"at least {at_least}" if at_least else f"at most {at_most}"
    print(f"  {name:<64} {measured:>5.2f}   ({wanted}: {'met' if at_least <= measured <= at_most else 'MISSED'})")
