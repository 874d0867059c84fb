"""daphne and uvicorn with the same service: what a request costs, how soon speech begins, what sockets hold, what a stop does.

Processor time is the web process's own. It says what a request costs on a machine that does other things as well; seconds say less.
"""

from __future__ import annotations

import asyncio
import json
import signal
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage

from benchmarks.figures import MILLISECONDS, line, processor_time
from tests.e2e.system import System, running

SERVERS = ("uvicorn", "daphne")
ROUNDS = 2
REQUESTS = 240
AT_ONCE = 8
SPEECHES = 24
SOCKETS = 500
OPENED_AT_ONCE = 20
SPAN = 15.0
# seconds in which sockets lie idle, and are then written to
EVERY = 1.0
# seconds between two messages of a socket
STREAMS = 10
PATIENCE = 60
SLOW_SEED = 1100
# a speech then lasts 100 ms a letter
LONG = "A text of some length."
BODY = {"model": "tone", "voice": "tone", "response_format": "pcm"}


def report(folder: Path, postgres_url: str, redis_url: str) -> None:
    options = {
        "DATABASE_URL": postgres_url,
        "REDIS_URL": redis_url,
        "SOCKETS_PER_USER": str(SOCKETS + 1),
        "WRITE_RATE": "1000000/m",
        "WORKER_THREADS": str(STREAMS + 2),
        "DATABASE_POOL": str(STREAMS + 10),
        "LOG_LEVEL": "WARNING",
    }
    with running(folder / "servers", server="uvicorn", workers=1, **options) as system:
        for server in SERVERS:
            system.web.terminate()
            system.web.wait()
            system.server = server
            system.web = system.spawn("serve", "--port", str(system.port), "--server", server)
            system.wait_until_ready()
            print(f"{server}:")
            _requests(system)
            _speeches(system)
            asyncio.run(_sockets(system))
            _stop(system)


def _requests(system: System) -> None:
    for path in ("/healthz", "/v1/me"):
        for _ in range(ROUNDS):
            begun, worked = time.perf_counter(), processor_time(system.web.pid)
            with ThreadPoolExecutor(AT_ONCE) as clients:
                list(clients.map(_asked, [(system, path)] * AT_ONCE))
            taken, used = time.perf_counter() - begun, processor_time(system.web.pid) - worked
            print(f"  GET {path:<10} {REQUESTS / taken:>6.0f} requests/s, {MILLISECONDS * used / REQUESTS:.2f} ms of processor time each")


def _asked(place: tuple[System, str]) -> None:
    system, path = place
    with system.client() as client:
        for _ in range(REQUESTS // AT_ONCE):
            client.get(path).raise_for_status()


def _speeches(system: System) -> None:
    worked = processor_time(system.web.pid)
    with system.client() as client:
        firsts = [_first(client, number) for number in range(SPEECHES)]
    line("speech, to the first byte", firsts)
    print(f"  speech: {MILLISECONDS * (processor_time(system.web.pid) - worked) / SPEECHES:.1f} ms of processor time each")


def _first(client: httpx.Client, number: int) -> float:
    begun = time.perf_counter()
    # a text of its own each, or it would be served from what is stored
    body = {**BODY, "input": f"speech {number} at {time.time_ns()}", "store": False}
    with client.stream("POST", "/v1/audio/speech", json=body) as speech:
        speech.raise_for_status()
        data = speech.iter_raw()
        next(data)
        first = time.perf_counter() - begun
        for _ in data:
            pass
    return first


async def _sockets(system: System) -> None:
    before, begun = _memory(system.web.pid), time.perf_counter()
    gate = asyncio.Semaphore(OPENED_AT_ONCE)

    async def one() -> ClientConnection:
        async with gate:
            return await _opened(system)

    opened = await asyncio.gather(*(one() for _ in range(SOCKETS)))
    taken = time.perf_counter() - begun
    held = (_memory(system.web.pid) - before) / SOCKETS
    idle, _ = await _worked(system, opened, talk=False)
    talking, messages = await _worked(system, opened, talk=True)
    print(
        f"  {SOCKETS} live sessions: opened in {taken:.1f} s, {held:.0f} KiB each; {idle / SPAN:.3f} cores idle, "
        f"{1e6 * (talking - idle) / messages:.0f} µs of processor time for each of {messages} messages that are answered"
    )
    await asyncio.gather(*(each.close() for each in opened))


async def _worked(system: System, opened: list[ClientConnection], *, talk: bool) -> tuple[float, int]:
    """Seconds of processor time in the span, and the messages that were answered in it."""
    over = time.monotonic() + SPAN
    messages = 0
    message = json.dumps({"type": "conversation.item.retrieve", "item_id": "item_none"})

    async def ask(connection: ClientConnection, place: int) -> None:
        nonlocal messages
        await asyncio.sleep(EVERY * place / SOCKETS)
        while time.monotonic() < over:
            await connection.send(message)
            await connection.recv()
            messages += 1
            await asyncio.sleep(EVERY)

    worked = processor_time(system.web.pid)
    if talk:
        await asyncio.gather(*(ask(connection, place) for place, connection in enumerate(opened)))
    await asyncio.sleep(max(0.0, over - time.monotonic()))
    return processor_time(system.web.pid) - worked, messages


async def _opened(system: System) -> ClientConnection:
    """A live session. On a machine that is busy the server may give a handshake up; then once more."""
    url = f"ws://127.0.0.1:{system.port}/v1/realtime?model=gpt-realtime"
    while True:
        try:
            connection = await connect(url, additional_headers=system.headers, compression=None, ping_interval=None, open_timeout=PATIENCE)
        except (InvalidHandshake, InvalidMessage):
            continue
        assert json.loads(await connection.recv())["type"] == "session.created"
        return connection


def _stop(system: System) -> None:
    """While speeches are under way and sockets are open: who is served to the end, and with which code the sockets are closed."""
    told = threading.Barrier(STREAMS + 1, timeout=PATIENCE)
    ends: Counter[str] = Counter()

    def speak(number: int) -> None:
        body = {**BODY, "input": f"{LONG} {number}", "seed": SLOW_SEED, "store": False}
        with system.client() as client, client.stream("POST", "/v1/audio/speech", json=body) as speech:
            data = speech.iter_raw()
            next(data)
            told.wait()
            try:
                for _ in data:
                    pass
            except httpx.TransportError as error:
                ends[f"speech {type(error).__name__}"] += 1
            else:
                ends["speech whole"] += 1

    async def listen() -> float:
        opened = [await _opened(system) for _ in range(STREAMS)]
        await asyncio.to_thread(told.wait)
        begun = time.monotonic()
        system.web.send_signal(signal.SIGTERM)
        for connection in opened:
            try:
                while True:
                    await asyncio.wait_for(connection.recv(), PATIENCE)
            except ConnectionClosed as closed:
                ends[f"socket {closed.rcvd.code if closed.rcvd else 'cut'}"] += 1
        await asyncio.to_thread(system.web.wait)
        return time.monotonic() - begun

    with ThreadPoolExecutor(STREAMS) as clients:
        speaking = [clients.submit(speak, number) for number in range(STREAMS)]
        taken = asyncio.run(listen())
        for each in speaking:
            each.result()
    print(f"  stopped in {taken:.1f} s: {dict(sorted(ends.items()))}")


def _memory(process: int) -> float:
    """Resident KiB."""
    return float(Path(f"/proc/{process}/status").read_text().split("VmRSS:")[1].split()[0])
