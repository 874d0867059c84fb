"""`make production`: one machine from `deploy/`, restarted, upgraded and backed up under load, and restored elsewhere. Exit 1 when a
client would have seen any of it, or when what was restored differs."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from tests.production.load import Load, Tally
from tests.production.machine import ROOT, Machine, machine, tell
from tests.production.stored import differences
from tests.production.units import Unit

SETTLED = 3.0
# seconds of load before and after whatever is done
JOBS_PATIENCE = 60
TEST = {"TEST_ENGINES": "true", "WRITE_RATE": "100000/m", "ADDRESS_RATE": "1000/m", "LOG_LEVEL": "INFO", "WORKER_THREADS": "4"}
KEY = (
    "from accounts.models import User, Scope; from accounts.tokens import issue_key;"
    "print(issue_key(owner=User.objects.create(username={name!r}), name='key', scopes=list(Scope))[1])"
)
MIGRATION = """from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("jobs", "{last}")]
    operations = [migrations.AddField("output", "next_version", models.CharField(max_length=10, db_default=""))]
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=2, help="times that every web process and worker is restarted")
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory(prefix="voice-production-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        problems = on(folder, rounds)
    for problem in problems:
        tell(f"WRONG: {problem}")
    tell(f"problems: {len(problems)}")
    return 1 if problems else 0


def on(folder: Path, rounds: int) -> list[str]:
    with machine(folder / "first", TEST) as first:
        key, foreign = first.welcome(), first.manage("shell", "-v0", "-c", KEY.format(name="foreign")).strip()
        output = speak(first, key)
        tell("nginx sends what is stored")
        problems = differences(first, key, output[0], foreign)
        tally = Tally()
        with Load(first.url, key, first.trust, tally):
            noted(tally, "nothing is restarted", lambda: time.sleep(SETTLED))
            for number in range(rounds):
                noted(tally, f"round {number + 1}: web", lambda: tell_stops(first.web))
                noted(tally, f"round {number + 1}: workers", lambda: tell_stops(first.workers))
            noted(tally, "backup", first.unit("voice-backup").start)
            noted(tally, "upgrade", lambda: upgrade(first, folder / "next"))
            time.sleep(SETTLED)
        tell(f"done: {dict(tally.done)}; slowest speech {tally.slowest:.1f} s")
        for line in first.nginx.errors():
            tell(f"  nginx: {line}")
        problems += tally.visible + [f"{unit.name} had to be killed" for unit in (*first.web, *first.workers) if unit.killed]
        problems += checked(first)
        [backup] = (folder / "first" / "backups").glob("2*")
        # the environment is kept apart from the backups, and its secret with it
        secret = first.migrate.environment["SECRET_KEY"]
        with machine(folder / "second", {**TEST, "SECRET_KEY": secret}, backup=backup) as second:
            problems += restored(second, key, output)
    return problems


def noted(tally: Tally, what: str, act: Callable[[], object]) -> None:
    """Do it under load, and say what went wrong meanwhile."""
    raw, begun, done = tally.raw.copy(), time.monotonic(), tally.done.total()
    act()
    time.sleep(SETTLED)
    tell(f"{what}: {tally.done.total() - done} requests in {time.monotonic() - begun:.0f} s, raw failures {dict(tally.raw - raw)}")


def tell_stops(units: list[Unit]) -> None:
    """As `deploy/roll`: one after the other, the next when this one is ready."""
    tell("  stopped in " + ", ".join(f"{unit.restart():.1f} s" for unit in units))


def upgrade(first: Machine, folder: Path) -> None:
    """To a version with one more migration, by the order of `docs/upgrade.md`."""
    folder.mkdir()
    names = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split("\n")
    for name in (each for each in names if (ROOT / each).is_file()):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    migrations = folder / "jobs" / "migrations"
    last = max(path.stem for path in migrations.glob("0*.py"))
    (migrations / "9999_next_version.py").write_text(MIGRATION.format(last=last))
    first.install(folder)
    first.migrate.start()
    tell_stops(first.workers)
    tell_stops(first.web)


def speak(machine: Machine, key: str) -> tuple[str, bytes]:
    """An output's id, and its bytes."""
    body = {"model": "tts-1", "voice": "alloy", "input": "This is kept, and found again.", "response_format": "wav"}
    headers = {"Authorization": f"Bearer {key}"}
    answer = httpx.post(f"{machine.url}/v1/audio/speech", json=body, headers=headers, verify=machine.trust, timeout=60).raise_for_status()
    name = answer.headers["x-output-id"]
    stored = httpx.get(f"{machine.url}/v1/outputs/{name}/content", headers=headers, verify=machine.trust, timeout=60).raise_for_status()
    return name, stored.content


def checked(machine: Machine) -> list[str]:
    """What its own commands find, once nothing is under way."""
    deadline = time.monotonic() + JOBS_PATIENCE
    code = "from jobs.models import OPEN, Item; print(Item.objects.filter(state__in=OPEN).count())"
    while (left := int(machine.manage("shell", "-v0", "-c", code))) and time.monotonic() < deadline:
        time.sleep(1)
    problems = [f"{left} items are not over"] if left else []
    commands = [["reconcile", "--hash"], *([["doctor"]] if "doctor" in machine.manage("help", "--commands").split() else [])]
    for command in commands:
        try:
            tell(machine.manage(*command).strip())
        except AssertionError as told:
            problems.append(str(told))
    return problems


def restored(second: Machine, key: str, output: tuple[str, bytes]) -> list[str]:
    tell("restored from the backup")
    problems = checked(second)
    headers = {"Authorization": f"Bearer {key}"}
    again = httpx.get(f"{second.url}/v1/outputs/{output[0]}/content", headers=headers, verify=second.trust, timeout=60)
    if (again.status_code, again.content) != (200, output[1]):
        problems.append(f"the output of before answers {again.status_code}, {len(again.content)} bytes")
    speak(second, key)
    return problems


if __name__ == "__main__":
    sys.exit(main())
