"""What the tests stand on, tested: servers that die and return, and a run that nobody's own settings reach."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from threading import Thread

import psycopg
import pytest

from tests.servers import PostgresServer
from tests.waiting import wait_until

ROOT = Path(__file__).parent.parent
STARTS_ONE_AND_WAITS = """
import time
from tests.servers import PostgresServer

server = PostgresServer()
server.start()
print(server.url, server.folder, flush=True)
time.sleep(600)
"""
LOOKS_AT_ITS_SETTINGS = """
from django.conf import settings

def test_defaults():
    assert (settings.MAX_QUEUED, settings.WORKER_THREADS, settings.MAX_ATTEMPTS) == (1000, 2, 3)
"""


def test_a_killed_postgresql_returns_with_its_rows_though_a_client_was_busy():
    with PostgresServer() as server, psycopg.connect(server.url, autocommit=True) as client:
        client.execute("CREATE TABLE kept AS SELECT 7 AS number")
        busy = Thread(target=_keep_busy, args=(client,))
        busy.start()

        server.restart()

        with psycopg.connect(server.url) as again:
            assert again.execute("SELECT number FROM kept").fetchone() == (7,)
        busy.join()


def test_a_killed_run_takes_its_servers_along_though_a_client_stays_connected():
    with subprocess.Popen([sys.executable, "-c", STARTS_ONE_AND_WAITS], cwd=ROOT, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        url, folder = run.stdout.readline().split()
        with psycopg.connect(url, autocommit=True) as client:
            run.send_signal(signal.SIGKILL)

            with pytest.raises(psycopg.OperationalError):
                client.execute("SELECT pg_sleep(600)")
    # the last that it takes away
    wait_until(lambda: not Path(folder, "data", "postmaster.pid").exists())
    shutil.rmtree(folder)


def test_a_developers_own_settings_do_not_reach_a_run(tmp_path: Path):
    (tmp_path / ".env").write_text("MAX_QUEUED=77\n")
    (tmp_path / "test_probe.py").write_text(LOOKS_AT_ITS_SETTINGS)
    theirs = os.environ | {"PYTHONPATH": str(ROOT), "ENV_FILE": ".env", "worker_threads": "9", "MAX_ATTEMPTS": "7"}

    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-c", str(ROOT / "pyproject.toml"), "-p", "no:cacheprovider", "test_probe.py"],
        cwd=tmp_path, env=theirs, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert run.returncode == 0, run.stdout + run.stderr


def _keep_busy(client: psycopg.Connection) -> None:
    with pytest.raises(psycopg.OperationalError):
        client.execute("SELECT count(*) FROM generate_series(1, 1000000000)")
