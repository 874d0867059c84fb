"""Loaded before Django's settings are: puts the test run into one of the two shapes that the service has.

`pytest` alone runs embedded (SQLite, everything in memory); `pytest --shape=deployed` on a real PostgreSQL and Redis.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from typing import Any

import pytest

from tests.servers import PostgresServer, RedisServer

SHAPES = ("embedded", "deployed")
SAME_IN_BOTH = (
    "tests/clients/",
    "tests/config/",
    "tests/e2e/test_cloning.py",
    "tests/e2e/test_upstreams.py",
    "tests/jobs/test_outbound.py",
    "tests/neural/",
    *(f"tests/voice/realtime/test_{name}.py" for name in ("beta", "chat", "chat_failures", "detector", "echo", "g711", "pieces")),
    *(f"tests/voice/realtime/test_{name}.py" for name in ("random_sessions", "session", "turns", "utterances")),
    "tests/voice/audio/",
    "tests/voice/ears/",
    "tests/voice/engines/",
    "tests/voice/test_speech_session.py",
    "tests/voice/test_subtitles.py",
    "tests/voice/test_timing.py",
    "tests/voice/test_transcripts.py",
    "tests/voice/text/",
)
# they use no service, or start their own: once is enough


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--shape", choices=SHAPES, default=SHAPES[0], help="what the tests run on")


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config, args: list[str]) -> None:
    """The environment of the run. What the developer's own says of us is taken out of it, `.env` included."""
    os.environ["ENV_FILE"] = ""  # before the import, which reads it
    from config.env import Environment

    ours = {*Environment.model_fields, "django_settings_module"}
    for name in [each for each in os.environ if each.lower() in ours]:
        del os.environ[name]
    folder = tempfile.mkdtemp(prefix="voice-test-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ |= {"DATA_DIR": folder, "TEST_ENGINES": "true"}
    os.environ["no_proxy"] = "*"  # whatever the tests talk to is on this machine
    if early_config.known_args_namespace.shape == "deployed":
        os.environ |= {"DATABASE_URL": _started(PostgresServer), "REDIS_URL": _started(RedisServer)}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--shape") != "deployed":
        return
    twice = [item for item in items if item.nodeid.startswith(SAME_IN_BOTH)]
    config.hook.pytest_deselected(items=twice)
    items[:] = [item for item in items if not item.nodeid.startswith(SAME_IN_BOTH)]


@pytest.fixture(scope="session")
def shape(request: pytest.FixtureRequest) -> Any:
    return request.config.getoption("--shape")


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """The run's Redis; in the embedded shape one that is started for whoever asks."""
    yield from _lent("REDIS_URL", RedisServer)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    yield from _lent("DATABASE_URL", PostgresServer)


def _lent(variable: str, make: type[RedisServer | PostgresServer]) -> Iterator[str]:
    if url := os.environ.get(variable):
        yield url
        return
    with make() as server:
        yield server.url


def _started(make: type[RedisServer | PostgresServer]) -> str:
    try:
        server = make()
        server.start()
    except RuntimeError as error:
        raise pytest.UsageError(str(error)) from None
    atexit.register(server.stop)
    return server.url
