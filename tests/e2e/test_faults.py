"""What must hold when processes die: PostgreSQL, Redis, web and worker apart, and one of them killed."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from jobs.closing import TRY_AGAIN_LATER
from tests.e2e.sockets import PATHS, end, opened
from tests.e2e.system import System, running
from tests.servers import PostgresServer, RedisServer
from tests.tones import read_tones
from tests.waiting import TIMEOUT_S, wait_until

pytestmark = pytest.mark.faults

TEXT = "whatever happens, this sentence arrives once and whole"
SLOW = 1060  # 60 ms more for each byte: about three seconds for the text
LEASE_S = 5


@pytest.fixture
def apart(folder: Path, fresh_database: Callable[[], str], redis_server: RedisServer) -> Iterator[System]:
    """Web and two workers as processes, on services of their own."""
    with running(
        folder,
        server="uvicorn",
        workers=2,
        DATABASE_URL=fresh_database(),
        REDIS_URL=redis_server.url,
        WORKER_THREADS="1",
        LEASE_SECONDS=str(LEASE_S),
    ) as system:
        yield system


class Listener(threading.Thread):
    """A client that reads a slow sentence in the background."""

    def __init__(self, system: System, **fields: Any) -> None:
        super().__init__()
        self.system = system
        self.body = {"model": "tone", "voice": "tone", "input": TEXT, "response_format": "pcm", "seed": SLOW, **fields}
        self.heard = b""
        self.begun = threading.Event()
        self.error: Exception | None = None
        self.status = 0
        self.start()

    def run(self) -> None:
        try:
            with self.system.client() as client, client.stream("POST", "/v1/audio/speech", json=self.body) as answer:
                self.status = answer.status_code
                for data in answer.iter_raw():
                    self.heard += data
                    self.begun.set()
        except httpx.HTTPError as error:
            self.error = error

    @property
    def text(self) -> str:
        return read_tones(np.frombuffer(self.heard, "<i2"))


def rows(system: System) -> dict[str, Any]:
    """Of the one item: its state, attempt, and how many outputs and charges there are."""
    told = system.shell(
        "from jobs.models import *; from accounts.models import Usage; i = Item.objects.get();"
        "print(dict(state=str(i.state), attempt=i.attempt, worker=i.worker, code=i.error_code, outputs=Output.objects.count(),"
        "charges=Usage.objects.count(), seconds=sum(u.seconds for u in Usage.objects.all())))"
    )
    return dict(eval(told))


def holder(system: System) -> Any:
    """The worker process that has the item."""
    pid = int(rows(system)["worker"].split(":")[1])
    return next(worker for worker in system.workers if worker.pid == pid)


def test_when_the_worker_is_killed_another_finishes_the_item_and_the_listener_hears_all_of_it(apart: System):
    listener = Listener(apart)
    assert listener.begun.wait(TIMEOUT_S)
    victim = holder(apart)

    victim.send_signal(signal.SIGKILL)
    listener.join()

    assert listener.error is None
    assert listener.text == TEXT
    after = rows(apart)
    assert (after["state"], after["attempt"], after["outputs"], after["charges"]) == ("completed", 2, 1, 1)
    assert after["seconds"] == pytest.approx(len(TEXT) * 0.04)


def test_a_worker_that_was_stopped_past_its_lease_changes_nothing_when_it_goes_on(apart: System):
    listener = Listener(apart)
    assert listener.begun.wait(TIMEOUT_S)
    sleeper = holder(apart)

    sleeper.send_signal(signal.SIGSTOP)
    listener.join()
    sleeper.send_signal(signal.SIGCONT)
    time.sleep(LEASE_S)  # it may do now what it would

    assert listener.text == TEXT
    after = rows(apart)
    assert (after["state"], after["outputs"], after["charges"]) == ("completed", 1, 1)
    assert os.listdir(apart.folder / "parts") == []
    assert len(os.listdir(apart.folder / "outputs")) == 1


def test_an_item_that_kills_every_worker_fails_and_says_so(apart: System):
    for _ in range(2):
        apart.add_worker()

    listener = Listener(apart, seed=4)
    listener.join()

    assert listener.error is not None, "a stream that was cut must not look whole"
    after = rows(apart)
    assert (after["state"], after["code"], after["charges"]) == ("failed", "worker_crashed", 0)
    assert after["attempt"] == 3


def test_a_redis_that_lost_everything_costs_the_listener_nothing(apart: System, redis_server: RedisServer):
    listener = Listener(apart)
    assert listener.begun.wait(TIMEOUT_S)

    import redis

    with redis.Redis.from_url(redis_server.url) as client:
        client.flushall()
    listener.join()

    assert listener.error is None
    assert listener.text == TEXT
    assert rows(apart)["charges"] == 1


def test_a_redis_that_was_away_is_found_again(apart: System, redis_server: RedisServer):
    redis_server.kill()
    with apart.client() as client:
        assert client.get("/readyz").status_code == 503
        assert client.get("/healthz").status_code == 200
    redis_server.restart()

    assert recovered(apart) == TEXT


def test_a_database_that_was_away_is_found_again(folder: Path):
    with (
        PostgresServer() as postgres,
        RedisServer() as redis,
        running(folder, server="uvicorn", workers=1, DATABASE_URL=postgres.url, REDIS_URL=redis.url) as system,
        ExitStack() as stack,
    ):
        held = {path: stack.enter_context(opened(system, path)) for path in PATHS}
        held["/v1/realtime"].recv(timeout=TIMEOUT_S)
        postgres.kill()
        with system.client() as client:
            answer = client.get("/v1/models")
            assert (answer.status_code, answer.json()["error"]["code"]) == (503, "service_unavailable")
            assert answer.headers["Retry-After"]
            assert client.get("/readyz").status_code == 503
            assert client.get("/healthz").status_code == 200
        assert end(stack.enter_context(opened(system, "/v1/events"))) == TRY_AGAIN_LATER
        held["/v1/events"].send('{"type": "job.subscribe", "job_id": "job_00000000000000000000000000"}')
        held["/v1/realtime"].send('{"type": "response.create", "response": {"audio": {"output": {"voice": "slt"}}}}')
        assert end(held["/v1/events"]) == TRY_AGAIN_LATER
        assert "service_unavailable" in str(held["/v1/realtime"].recv(timeout=TIMEOUT_S))
        postgres.restart()
        # whom nobody could look up stays
        held["/v1/realtime"].send('{"type": "response.cancel"}')
        assert "response_cancel_not_active" in str(held["/v1/realtime"].recv(timeout=TIMEOUT_S))

        assert recovered(system) == TEXT


def recovered(system: System) -> str:
    """What a listener hears once the system answers again."""

    def hear_once() -> str:
        listener = Listener(system, seed=None)
        listener.join()
        return listener.text if listener.error is None and listener.status == httpx.codes.OK else ""

    return wait_until(hear_once)


def test_an_embedded_server_that_was_killed_makes_what_it_had_taken_after_its_next_start(folder: Path):
    with running(folder, LEASE_SECONDS=str(LEASE_S)) as system:
        listener = Listener(system)
        assert listener.begun.wait(TIMEOUT_S)
        system.web.send_signal(signal.SIGKILL)
        system.web.wait()
        listener.join()
        assert listener.error is not None, "a stream that was cut must not look whole"

        system.web = system.spawn("serve", "--port", str(system.port))
        system.wait_until_ready()
        wait_until(lambda: rows(system)["state"] == "completed")

        assert rows(system)["outputs"] == rows(system)["charges"] == 1


@pytest.mark.parametrize("server", ["daphne", "uvicorn"])
def test_an_embedded_server_that_is_told_to_end_takes_leave_of_the_database(folder: Path, server: str):
    with running(folder, server=server) as system:
        system.web.terminate()
        assert system.web.wait(TIMEOUT_S) is not None

        assert system.run("shell", "-v0", "-c", "from jobs.models import Worker; print(Worker.objects.count())").strip() == "0"


@pytest.mark.parametrize("server", ["daphne", "uvicorn"])
def test_a_stream_that_can_not_be_finished_is_cut_and_does_not_look_whole(folder: Path, server: str):
    with running(folder, server=server, MAX_ATTEMPTS="1") as system:
        listener = Listener(system, seed=2)
        listener.join()
        assert isinstance(listener.error, httpx.RemoteProtocolError | httpx.ReadError)
        assert 0 < len(listener.heard) < len(TEXT) * 1920

        second = Listener(system, seed=None)
        second.join()
        assert second.text == TEXT
