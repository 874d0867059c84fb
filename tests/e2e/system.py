"""The whole system as its operator runs it: `manage.py` processes on a free port, in a folder of their own."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from tests.waiting import TIMEOUT_S, wait_until

ROOT = Path(__file__).resolve().parents[2]
# settings of a service that gives up late, so that a busy machine fails no test
PATIENT = {"LEASE_SECONDS": "60", "MODEL_WAIT_SECONDS": "600", "LIVE_RESUME_SECONDS": "300"}
# runs the code that each line of its input holds; it stays, for a Python that imports the project takes two seconds of a processor
SHELL = """
import contextlib, io, json, sys, traceback
import django
from django.db import connections
django.setup()
for line in sys.stdin:
    printed, problem = io.StringIO(), ""
    try:
        with contextlib.redirect_stdout(printed):
            exec(json.loads(line), {})
    except Exception:
        problem = traceback.format_exc()
    connections.close_all()
    print(json.dumps([printed.getvalue(), problem]), flush=True)
"""
PREPARE = """
from django.core.management import call_command
call_command("migrate", interactive=False, verbosity=0)
call_command("welcome", port={port})
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class System:
    """A running service: `url` to talk to it, `key` an API key with every scope, `password` that of the user `admin`."""

    def __init__(self, folder: Path, *, server: str = "daphne", workers: int = 0, supervised: bool = False, **environment: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.server = server
        self.processes: list[subprocess.Popen[bytes]] = []
        self.workers: list[subprocess.Popen[bytes]] = []
        self._shell: subprocess.Popen[str] | None = None
        self.environment = {
            **os.environ,
            "ENV_FILE": "",
            "DATABASE_URL": "",
            "REDIS_URL": "",
            "DATA_DIR": str(folder),
            "TEST_ENGINES": "true",
            **environment,
        }
        self._wanted_workers = workers
        self._supervised = supervised
        folder.mkdir(parents=True, exist_ok=True)
        self.log = (folder / "log").open("ab")
        self._asides = (folder / "shell.log").open("ab")

    def start(self) -> None:
        told = self.shell(PREPARE.format(port=self.port))
        found = re.search(r"Bearer ([\w.-]+)", told)
        assert found, told
        self.key = found[1]
        self.password = re.findall(r"password +(\S+)", told)[0]
        self.web = self.spawn("serve", "--port", str(self.port), "--server", self.server)
        for _ in range(self._wanted_workers):
            self.add_worker()
        if self._supervised:
            self.spawn("work")
        self.wait_until_ready()

    def add_worker(self) -> subprocess.Popen[bytes]:
        """One worker process without a supervisor, so that a test may kill it for good."""
        worker = self.spawn("work", "--child")
        self.workers.append(worker)
        return worker

    def add_server(self) -> tuple[subprocess.Popen[bytes], int]:
        """Start one more web process. Return it and its port as soon as it listens."""
        port = free_port()
        server = self.spawn("serve", "--port", str(port), "--server", self.server)
        wait_until(lambda: f":{port}" in self.logged())
        return server, port

    def run(self, *arguments: str) -> str:
        """A management command, to its end."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def call(self, *arguments: str) -> str:
        """Run a management command in the shell that stays, which is cheaper than `run`. Return what it prints."""
        return self.shell(f"from django.core.management import call_command; call_command(*{arguments!r})")

    def spawn(self, *arguments: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "manage.py", *arguments], cwd=ROOT, env=self.environment, stdout=self.log, stderr=self.log
        )
        self.processes.append(process)
        return process

    def wait_until_ready(self) -> None:
        def is_ready() -> bool:
            with contextlib.suppress(httpx.HTTPError):
                return httpx.get(f"{self.url}/readyz", timeout=TIMEOUT_S).status_code == httpx.codes.OK
            return False

        try:
            wait_until(is_ready)
        except AssertionError:
            raise AssertionError(f"not ready: {self.logged()[-3000:]}") from None

    def logged(self) -> str:
        self.log.flush()
        return (self.folder / "log").read_text(errors="replace")

    def stop(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.terminate()
        for process in self.processes:
            try:
                process.wait(TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self._shell is not None:
            self._shell.communicate(timeout=TIMEOUT_S)
        self._asides.close()
        self.log.close()

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}

    def client(self, **options: Any) -> httpx.Client:
        return httpx.Client(base_url=self.url, headers=self.headers, timeout=TIMEOUT_S, **options)

    def another_user(self, name: str) -> dict[str, str]:
        """The headers of a user of that name with every scope, made when there is none yet."""
        code = (
            "from accounts.models import User, Scope; from accounts.tokens import issue_key;"
            f"user, _ = User.objects.get_or_create(username={name!r});"
            "print(issue_key(owner=user, name='key', scopes=list(Scope))[1])"
        )
        return {"Authorization": f"Bearer {self.shell(code)}"}

    def shell(self, code: str) -> str:
        """What a piece of Python prints inside the project: how tests look at rows."""
        if self._shell is None:
            self._shell = subprocess.Popen(
                [sys.executable, "-c", SHELL],
                cwd=ROOT,
                env={**self.environment, "DJANGO_SETTINGS_MODULE": "config.settings"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._asides,
                text=True,
            )
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        self._shell.stdin.write(json.dumps(code) + "\n")
        self._shell.stdin.flush()
        answer = self._shell.stdout.readline()
        assert answer, (self.folder / "shell.log").read_text(errors="replace")[-3000:]
        printed, problem = json.loads(answer)
        assert not problem, problem
        return str(printed).strip()


@contextlib.contextmanager
def running(folder: Path, **options: Any) -> Iterator[System]:
    system = System(folder, **options)
    try:
        system.start()
        yield system
    finally:
        system.stop()
