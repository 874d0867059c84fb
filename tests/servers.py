"""A PostgreSQL and a Redis of a test's own: on a free port, in a temporary folder, gone with the test."""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.waiting import TIMEOUT_S

STOP_TIMEOUT_S = 30
DEBIAN = Path("/usr/lib/postgresql")
POSTGRES = "postgres"
PR_SET_PDEATHSIG = 1


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """A process that is started, killed and started again on the same port and data."""

    def __init__(self) -> None:
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="voice-test-", dir=_reachable()))
        self.process: subprocess.Popen[bytes] | None = None

    def command(self) -> list[str]:
        raise NotImplementedError

    def answers(self) -> bool:
        raise NotImplementedError

    def options(self) -> dict[str, object]:
        return {}

    def start(self) -> None:
        # a session of its own: Ctrl-C is for the tests, which end it when they are through
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(  # type: ignore[call-overload]
                self.command(), stdout=log, stderr=log, start_new_session=True, preexec_fn=_die_with_parent, **self.options()
            )
        deadline = time.monotonic() + TIMEOUT_S
        while not self.answers():
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise RuntimeError(f"{self.command()[0]} did not start: {(self.folder / 'log').read_text(errors='replace')[-2000:]}")
            time.sleep(0.05)

    def kill(self) -> None:
        """As a power cut would: its children with it. PostgreSQL's hold its shared memory, and a busy one outlives it by far."""
        if self.process is None or self.process.poll() is not None:
            return
        children = _children(self.process.pid)
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        for child in children:
            _end(child)

    def restart(self) -> None:
        self.kill()
        self.start()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()


class RedisServer(Server):
    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def command(self) -> list[str]:
        return [
            _found("redis-server", []), "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder),
            "--save", "", "--appendonly", "no", "--maxmemory-policy", "noeviction",
        ]  # fmt: skip

    def answers(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
        return False


class PostgresServer(Server):
    """PostgreSQL refuses to run as root: then it runs as the user that its package made."""

    def __init__(self) -> None:
        super().__init__()
        self.data = self.folder / "data"
        if os.geteuid() == 0:
            shutil.chown(self.folder, POSTGRES)
        password = self.folder / "password"
        password.write_text("postgres")
        password.chmod(0o644)
        make = ["initdb", "-D", str(self.data), "-U", "postgres", "-A", "scram-sha-256", f"--pwfile={password}", "-E", "UTF8", "--no-sync"]
        done = subprocess.run(
            [_found(make[0], sorted(DEBIAN.glob("*/bin"))), *make[1:]], capture_output=True, text=True, check=False, **self.options()
        )  # type: ignore[call-overload]
        if done.returncode:
            raise RuntimeError(f"initdb: {done.stderr}")

    @property
    def url(self) -> str:
        return f"postgresql://postgres:postgres@127.0.0.1:{self.port}/postgres"

    def options(self) -> dict[str, object]:
        if os.geteuid() != 0:
            return {}
        entry = pwd.getpwnam(POSTGRES)
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": [], "cwd": str(self.folder)}

    def command(self) -> list[str]:
        return [
            _found("postgres", sorted(DEBIAN.glob("*/bin"))), "-D", str(self.data), "-p", str(self.port), "-h", "127.0.0.1",
            "-k", str(self.folder), "-c", "fsync=off", "-c", "max_connections=200",
        ]  # fmt: skip

    def answers(self) -> bool:
        import psycopg

        try:
            psycopg.connect(self.url, connect_timeout=10).close()
        except psycopg.OperationalError:
            return False
        return True


def _found(program: str, folders: list[Path]) -> str:
    for folder in reversed(folders):
        if (folder / program).exists():
            return str(folder / program)
    path = shutil.which(program)
    if path is None:
        raise RuntimeError(f"{program} is not installed; on Debian: apt-get install postgresql redis-server")
    return path


def _reachable() -> str:
    """A temporary folder that PostgreSQL's user may enter too: root's own may be closed to it."""
    folder = Path(tempfile.gettempdir())
    return str(folder) if all(each.stat().st_mode & 0o001 for each in (folder, *folder.parents)) else "/tmp"


def _children(process: int) -> list[int]:
    """File descriptors of a process's children (Linux; elsewhere none)."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for child in Path(f"/proc/{process}/task/{process}/children").read_text().split():
            with contextlib.suppress(ProcessLookupError):
                found.append(os.pidfd_open(int(child)))
    return found


def _end(child: int) -> None:
    """Kill it and wait until it is gone, as nobody's child can be waited for."""
    with contextlib.suppress(ProcessLookupError):
        signal.pidfd_send_signal(child, signal.SIGKILL)
    select.select([child], [], [], STOP_TIMEOUT_S)
    os.close(child)


def _die_with_parent() -> None:
    """A test run that is killed takes its servers with it (Linux). SIGINT, as SIGTERM lets PostgreSQL wait for its clients."""
    with contextlib.suppress(OSError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT)
