from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.system import PATIENT, System, running
from tests.servers import RedisServer


@pytest.fixture(scope="session")
def system(request: pytest.FixtureRequest, shape: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Return the system in the run's shape: one process, or a web process, a supervisor and its worker on PostgreSQL and Redis.

    Deployed, webhooks may go to receivers on this machine.
    """
    folder = tmp_path_factory.mktemp("system")
    if shape == "embedded":
        with running(folder, **PATIENT) as embedded:
            yield embedded
        return
    with running(
        folder,
        server="uvicorn",
        supervised=True,
        DATABASE_URL=request.getfixturevalue("fresh_database")(),
        REDIS_URL=request.getfixturevalue("redis_url"),
        WEBHOOK_PRIVATE="true",
        WORKER_THREADS="4",
        **PATIENT,
    ) as deployed:
        yield deployed


@pytest.fixture(scope="session")
def fresh_database(postgres_url: str) -> Callable[[], str]:
    """Makes an empty database and tells its URL."""
    import psycopg

    from accounts.ids import new_id

    def make() -> str:
        name = new_id("test")
        with psycopg.connect(postgres_url, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return f"{postgres_url.rpartition('/')[0]}/{name}"

    return make


@pytest.fixture
def redis_server() -> Iterator[RedisServer]:
    """One of a test's own: it may be taken away, and no worker of another system takes what is sent by it."""
    with RedisServer() as server:
        yield server


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path
