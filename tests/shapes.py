"""The pytest plugin that puts a run into one of the two shapes that the service has.

`pytest` runs embedded: SQLite, and everything in one process. `pytest --shape=deployed` starts a PostgreSQL and a Redis.
A test runs embedded unless a marker in its file says otherwise:

    pytestmark = pytest.mark.shapes("embedded", "deployed")  # the database engine or Redis can matter to every test here

    @pytest.mark.shapes("deployed")  # closer markers win
"""

from __future__ import annotations

import atexit
import gc
import os
import shutil
import tempfile
from collections.abc import Iterator
from typing import Any

import pytest

from tests.servers import PostgresServer, RedisServer

SHAPES = ("embedded", "deployed")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--shape", choices=SHAPES, default=SHAPES[0], help="what the tests run on")


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config, args: list[str]) -> None:
    """Set the environment of the run, before Django reads it. The developer's own settings and `.env` have no effect."""
    os.environ["ENV_FILE"] = ""  # before the import, which reads it
    from config.env import Environment

    ours = {*Environment.model_fields, "django_settings_module"}
    for name in [each for each in os.environ if each.lower() in ours]:
        del os.environ[name]
    folder = tempfile.mkdtemp(prefix="voice-test-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ |= {"DATA_DIR": folder, "TEST_ENGINES": "true"}
    os.environ["no_proxy"] = "*"  # every server that the tests call is on this machine
    if early_config.known_args_namespace.shape == "deployed":
        os.environ |= {"DATABASE_URL": _start(PostgresServer), "REDIS_URL": _start(RedisServer)}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    shape = config.getoption("--shape")
    others = [item for item in items if shape not in _get_shapes(item)]
    if others:
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if shape in _get_shapes(item)]


def pytest_collection_finish() -> None:
    """Exempt all imported modules from garbage collection: walking them takes a tenth of a second each time."""
    gc.freeze()


def _get_shapes(item: pytest.Item) -> tuple[str, ...]:
    marker = item.get_closest_marker("shapes")
    if marker is None:
        return ("embedded",)
    if not marker.args or not set(marker.args) <= set(SHAPES):
        raise pytest.UsageError(f"{item.nodeid}: the marker 'shapes' takes one or both of {', '.join(SHAPES)}")
    return marker.args


@pytest.fixture(scope="session")
def shape(request: pytest.FixtureRequest) -> Any:
    return request.config.getoption("--shape")


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """Return the URL of the run's Redis. In the embedded shape, start one for the tests that need it."""
    yield from _lend("REDIS_URL", RedisServer)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """Return the URL of the run's PostgreSQL. In the embedded shape, start one for the tests that need it."""
    yield from _lend("DATABASE_URL", PostgresServer)


def _lend(variable: str, server_class: type[RedisServer | PostgresServer]) -> Iterator[str]:
    if url := os.environ.get(variable):
        yield url
        return
    with server_class() as server:
        yield server.url


def _start(server_class: type[RedisServer | PostgresServer]) -> str:
    try:
        server = server_class()
        server.start()
    except RuntimeError as error:
        raise pytest.UsageError(str(error)) from None
    atexit.register(server.stop)
    return server.url
