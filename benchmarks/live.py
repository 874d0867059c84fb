"""Live sessions: one turn taken apart; then hundreds of them: how soon speech is noticed, what one costs, a hundred answers at once."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import httpx
import numpy as np

from benchmarks import turn
from benchmarks.callers import FRAME_MS, LOOP, Callers, Heard, Track, connect
from benchmarks.figures import MILLISECONDS, line, processor_time, quantile
from tests.e2e.system import System, running
from voice.engines.base import Pcm, Utterance
from voice.engines.tone import Tone

LEVELS = (250, 500, 750)
GOAL = 500
# sessions for which the goals are stated
USERS = 10
WARM = 8.0
# seconds before anything is noted: two rounds of the loop
SPAN = 30.0
# seconds that are noted
ANSWERED = 100
# sessions that are answered at once
SPOKEN = "Good morning, how are you today?"
SLOWEST = 50.0
# ms: goal for the 99th percentile
FAULTS = 0.001
# goal for the share of what went wrong
MEMORY = 200.0
# KiB: goal for a session beyond its socket


def report(folder: Path, postgres_url: str, redis_url: str) -> None:
    options = {
        "DATABASE_URL": postgres_url,
        "REDIS_URL": redis_url,
        "SOCKETS_PER_USER": "1000",
        "WRITE_RATE": "1000000/m",
        "LOG_LEVEL": "WARNING",
    }
    with running(folder / "live", server="uvicorn", workers=1, **options) as system:
        socket = asyncio.run(_sockets(system))
        # what that took must not be there for the sessions to use
        system.web.terminate()
        system.web.wait()
        system.web = system.spawn("serve", "--port", str(system.port), "--server", system.server)
        system.wait_until_ready()
        speech = _speech(system)
        asyncio.run(turn.report(system, speech))
        asyncio.run(_sessions(system, Track(speech), socket))


async def _sockets(system: System) -> float:
    """KiB of a socket on which nothing happens."""
    url, heard = f"{system.url.replace('http', 'ws')}/v1/events", Heard()
    warm = [await connect(url, system.key, heard) for _ in range(USERS)]
    before = _memory(system.web.pid)
    opened = [await connect(url, system.key, heard) for _ in range(GOAL)]
    await asyncio.sleep(WARM)
    taken = (_memory(system.web.pid) - before) / GOAL
    for caller in warm + opened:
        caller.leave()
    return taken


async def _sessions(system: System, track: Track, socket: float) -> None:
    keys = _keys(system)
    url = f"{system.url.replace('http', 'ws')}/v1/realtime?model=gpt-realtime"
    rounds = round(len(LEVELS) * 3 * (WARM + SPAN) * MILLISECONDS / FRAME_MS / LOOP)
    async with Callers(url, track, track.noticed(rounds)) as callers:
        await callers.join(keys, USERS)
        before = _memory(system.web.pid)
        for level in LEVELS:
            more, begun = level - len(callers.everybody), time.perf_counter()
            await callers.join(keys, more)
            print(f"{level} sessions, {more} of them opened in {time.perf_counter() - begun:.1f} s:")
            await asyncio.sleep(WARM)
            heard, cores = await _noted(callers, system, SPAN)
            taken = (_memory(system.web.pid) - before) / (level - USERS)
            _tell(heard, cores, level, socket, taken)
            if level == GOAL:
                await _answers(callers, system)


async def _noted(callers: Callers, system: System, seconds: float) -> tuple[Heard, list[float]]:
    """What was heard in so many seconds, and how many cores web, worker and callers used meanwhile."""
    processes = [system.web.pid, *(worker.pid for worker in system.workers), os.getpid()]
    callers.note_anew()
    worked = [processor_time(process) for process in processes]
    await asyncio.sleep(seconds)
    cores = [(processor_time(process) - before) / seconds for process, before in zip(processes, worked, strict=True)]
    return callers.note_anew(), cores


def _tell(heard: Heard, cores: list[float], level: int, socket: float, taken: float) -> None:
    web, worker, own = cores
    line("speech: from the frame that shows it to the event", heard.started)
    wrong = sum(heard.faults.values())
    share = wrong / max(1, wrong + len(heard.started))
    each = web / max(1, heard.frames / SPAN)
    print(f"  p95 {MILLISECONDS * quantile(heard.started, 0.95):.1f} ms; faults {share:.2%} {dict(heard.faults)}")
    print(
        f"  cores: web {web:.2f} ({1e6 * each:.0f} µs a frame), worker {worker:.2f}, callers {own:.2f}; frames late by {heard.late:.3f} s"
    )
    print(f"  memory: {taken:.0f} KiB a session, {socket:.0f} KiB a socket; load of the machine {os.getloadavg()[0]:.1f}")
    if level == GOAL:
        _goal("p99, ms", MILLISECONDS * quantile(heard.started, 0.99), SLOWEST)
        _goal("share of faults", share, FAULTS)
        _goal("KiB of a session beyond its socket", taken - socket, MEMORY)


async def _answers(callers: Callers, system: System) -> None:
    """A hundred are answered at once, while all go on talking."""
    asked = {f"number {place:03}": caller for place, caller in enumerate(callers.everybody[:ANSWERED])}
    callers.note_anew()
    firsts = await asyncio.gather(*(caller.ask(text) for text, caller in asked.items()))
    heard = callers.note_anew()
    right = sum(bytes(caller.sound) == _tones(text) for text, caller in asked.items())
    print(f"{ANSWERED} of them answered at once: {right} right in every sample, faults {dict(heard.faults)}")
    line("to the first sound of the answers that had one", [first for first in firsts if first is not None])
    line("speech meanwhile: from the frame to the event", heard.started)


def _goal(name: str, measured: float, most: float) -> None:
    print(f"  goal: {name:<40} {measured:>8.3f}   (at most {most}: {'met' if measured <= most else 'MISSED'})")


def _tones(text: str) -> bytes:
    blocks = Tone().synthesize(Utterance(text=text, speaker="tone", language="en"))
    return np.concatenate(list(blocks)).tobytes()


def _speech(system: System) -> Pcm:
    """By Flite, which a detector takes for a person."""
    body = {"model": "flite", "voice": "slt", "input": SPOKEN, "response_format": "pcm"}
    answer = httpx.post(f"{system.url}/v1/audio/speech", json=body, headers=system.headers, timeout=60)
    return np.frombuffer(answer.raise_for_status().content, "<i2").astype(np.int16)


def _keys(system: System) -> list[str]:
    code = (
        "from accounts.models import User, Scope; from accounts.tokens import issue_key\n"
        f"for n in range({USERS}): print(issue_key(owner=User.objects.create(username=f'caller{{n}}'), name='k', scopes=list(Scope))[1])"
    )
    return system.shell(code).split()


def _memory(process: int) -> float:
    """Resident KiB."""
    return float(Path(f"/proc/{process}/status").read_text().split("VmRSS:")[1].split()[0])
