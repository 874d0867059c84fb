"""systemd's units run without systemd: their own commands, environment, signals and patience."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import time
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

SYSTEMD = Path(__file__).resolve().parents[2] / "deploy" / "systemd"
SEARCHED = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# PATH as systemd gives it
READY = b"READY=1"


class Unit:
    """One service. `places` says what stands here for the folders and files that the unit names."""

    def __init__(self, name: str, *, places: Mapping[str, str], folder: Path) -> None:
        template, _, instance = name.removesuffix(".service").partition("@")
        self.name = name
        self._places = places
        self._instance = instance
        self._settings = _parsed(SYSTEMD / (f"{template}@.service" if instance else f"{template}.service"))
        self._log = folder / f"{name}.log"
        self._notify = folder / f"{instance or template}.notify"
        self.process: subprocess.Popen[bytes] | None = None
        self.killed = 0
        # times that it did not end within its patience

    def start(self) -> None:
        """Until it is ready, as `systemctl start`; a oneshot to its end."""
        commands = [shlex.split(self._told(command)) for command in self._settings["ExecStart"]]
        if self._one("Type") == "oneshot":
            for command in commands:
                self.run(*command)
            return
        [command] = commands
        self._notify.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready, self._log.open("ab") as log:
            ready.bind(str(self._notify))
            ready.settimeout(float(self._one("TimeoutStartSec")))
            environment = {**self.environment, "NOTIFY_SOCKET": str(self._notify)}
            self.process = subprocess.Popen(command, cwd=self._folder, env=environment, stdout=log, stderr=log, start_new_session=True)
            try:
                told = ready.recv(64)
            except TimeoutError:
                raise AssertionError(f"{self.name} was not ready in time: {self.logged()[-3000:]}") from None
            assert told == READY, told

    def stop(self) -> float:
        """SIGTERM to the main process, and SIGKILL to all after TimeoutStopSec (KillMode=mixed); seconds that it took."""
        assert self._one("KillMode") == "mixed"
        if self.process is None or self.process.poll() is not None:
            return 0.0
        told = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(float(self._one("TimeoutStopSec")))
        except subprocess.TimeoutExpired:
            self.killed += 1
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        return time.monotonic() - told

    def restart(self) -> float:
        """Seconds that stopping took."""
        took = self.stop()
        self.start()
        return took

    def run(self, *command: str) -> str:
        """A command to its end, in the unit's folder and environment."""
        done = subprocess.run(command, cwd=self._folder, env=self.environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command} ended with {done.returncode}: {done.stdout[-2000:]} {done.stderr[-3000:]}"
        return done.stdout

    def logged(self) -> str:
        return self._log.read_text(errors="replace")

    @property
    def environment(self) -> dict[str, str]:
        found = {"PATH": SEARCHED, "LANG": "C.UTF-8", "ENV_FILE": ""}
        for named in self._settings["EnvironmentFile"]:
            path = Path(self._told(named.removeprefix("-")))
            if named.startswith("-") and not path.exists():
                continue
            lines = (line.strip() for line in path.read_text().splitlines())
            found |= dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
        return found

    @property
    def _folder(self) -> str:
        return self._told(self._one("WorkingDirectory"))

    def _one(self, name: str) -> str:
        return self._settings[name][-1]

    def _told(self, value: str) -> str:
        value = value.replace("%i", self._instance)
        for named, here in self._places.items():
            value = value.replace(named, here)
        return value


def _parsed(path: Path) -> dict[str, list[str]]:
    found = defaultdict(list)
    for line in path.read_text().splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found[name].append(value)
    return found
