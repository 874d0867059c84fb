"""One machine as `docs/deploy.md` sets it up, in a folder: PostgreSQL, two Redis, nginx with TLS, web processes and workers."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from tests.production.units import SYSTEMD, Unit
from tests.servers import PostgresServer, RedisServer, Server, free_port

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
LOCAL = "127.0.0.1"


class ConfiguredRedis(RedisServer):
    """With one of our configurations."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._configuration = DEPLOY / "redis" / name

    def command(self) -> list[str]:
        program = shutil.which("redis-server") or "/usr/bin/redis-server"
        return [program, str(self._configuration), "--port", str(self.port), "--bind", LOCAL, "--dir", str(self.folder)]


class Nginx(Server):
    """With our configuration, of which places, ports and the user are those of the test."""

    def __init__(self, places: dict[str, str]) -> None:
        super().__init__()
        self.plain = free_port()
        own = {
            "user www-data;": "user root;" if os.geteuid() == 0 else "",
            "/etc/nginx/voice-platform/": f"{self.folder}/",
            "/run/nginx.pid": f"{self.folder}/pid",
            "/var/log/nginx/": f"{self.folder}/",
            "/var/lib/nginx/": f"{self.folder}/",
            "listen 80 ": f"listen {LOCAL}:{self.plain} ",
            "listen 443 ": f"listen {LOCAL}:{self.port} ",
            **places,
        }
        for path in (DEPLOY / "nginx").glob("*.conf"):
            text = path.read_text()
            for named, here in own.items():
                text = text.replace(named, here)
            (self.folder / path.name).write_text(text)

    def command(self) -> list[str]:
        program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin") or "nginx"
        return [program, "-c", str(self.folder / "nginx.conf"), "-e", str(self.folder / "error.log"), "-g", "daemon off;"]

    def answers(self) -> bool:
        with suppress(OSError):
            socket.create_connection((LOCAL, self.port), timeout=1).close()
            return True
        return False

    def errors(self) -> list[str]:
        """What it noted beside processes that refused because they were being restarted."""
        lines = (self.folder / "error.log").read_text(errors="replace").splitlines()
        return [line for line in lines if "[error]" in line and "Connection refused" not in line]


class Machine:
    """`url` to talk to it through nginx, `trust` its certificate."""

    def __init__(self, folder: Path, services: ExitStack, environment: dict[str, str]) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.current = folder / "current"
        self.postgres = services.enter_context(PostgresServer())
        self.broker = services.enter_context(ConfiguredRedis("broker.conf"))
        self.cache = services.enter_context(ConfiguredRedis("cache.conf"))
        self.ports = [free_port(), free_port()]
        folder.mkdir(parents=True)
        self.install(ROOT)
        self._certify()
        self._configure(environment)
        places = {
            "/etc/voice-platform/tls": str(folder / "tls"),
            "/var/lib/voice-platform": str(self.data),
            f"{LOCAL}:8001": f"{LOCAL}:{self.ports[0]}",
            f"{LOCAL}:8002": f"{LOCAL}:{self.ports[1]}",
        }
        self.nginx = Nginx(places)
        self.units_places = {
            "/opt/voice-platform/current": str(self.current),
            "/etc/voice-platform": str(folder / "voice-platform"),
            "/var/backups/voice-platform": str(folder / "backups"),
        }
        self.migrate = self.unit("voice-migrate")
        self.web = [self.unit(f"voice-web@{port}") for port in self.ports]
        self.workers = [self.unit(f"voice-worker@{name}") for name in ("one", "two")]
        self.url = f"https://{LOCAL}:{self.nginx.port}"
        self.trust = ssl.create_default_context(cafile=str(folder / "tls" / "fullchain.pem"))

    def unit(self, name: str) -> Unit:
        return Unit(name, places=self.units_places, folder=self.folder)

    def start(self, services: ExitStack, backup: Path | None) -> None:
        if backup:
            self.migrate.run(str(self.current / "deploy/restore"), str(backup))
        self.migrate.start()
        services.callback(self.stop)
        for unit in (*self.workers, *self.web):
            unit.start()
        services.enter_context(self.nginx)

    def stop(self) -> None:
        for unit in (*self.web, *self.workers):
            unit.stop()

    def manage(self, *arguments: str) -> str:
        return self.migrate.run(str(self.current / ".venv/bin/python"), "manage.py", *arguments)

    def welcome(self) -> str:
        """The first API key."""
        found = re.search(r"Bearer ([\w.-]+)", self.manage("welcome"))
        assert found
        return found[1]

    def install(self, version: Path) -> None:
        """The version that is started from now on."""
        link = self.folder / ".next"
        link.symlink_to(version)
        link.replace(self.current)

    def _certify(self) -> None:
        tls = self.folder / "tls"
        tls.mkdir()
        subject = ["-subj", f"/CN={LOCAL}", "-addext", f"subjectAltName=IP:{LOCAL}", "-days", "2"]
        files = ["-keyout", str(tls / "privkey.pem"), "-out", str(tls / "fullchain.pem")]
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *subject, *files], check=True, capture_output=True)

    def _configure(self, environment: dict[str, str]) -> None:
        """The example's file, with what differs here."""
        own = {
            "DATA_DIR": str(self.data),
            "SECRET_KEY": secrets.token_urlsafe(64),
            "ALLOWED_HOSTS": LOCAL,
            "DATABASE_URL": self.postgres.url,
            "REDIS_URL": self.cache.url,
            "BROKER_URL": self.broker.url,
            **environment,
        }
        lines = (SYSTEMD / "voice-platform.env").read_text().splitlines()
        kept = [line for line in lines if line.partition("=")[0] not in own]
        path = self.folder / "voice-platform.env"
        path.write_text("\n".join([*kept, *(f"{name}={value}" for name, value in own.items())]) + "\n")


@contextmanager
def machine(folder: Path, environment: dict[str, str], *, backup: Path | None = None) -> Iterator[Machine]:
    """A running one; with a backup, restored from it."""
    with ExitStack() as services:
        made = Machine(folder, services, environment)
        made.start(services, backup)
        yield made


def tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
