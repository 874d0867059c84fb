from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.waiting import TIMEOUT_S, wait_until

ROOT = Path(__file__).resolve().parents[2]
CHILD = "import pathlib, os, sys, time; pathlib.Path(sys.argv[0] + '.' + str(os.getpid())).touch(); time.sleep(600)"
# what is supervised here in place of `manage.py work --child`


def test_a_process_that_ends_is_followed_by_another_and_all_end_with_the_supervisor(tmp_path: Path):
    program = tmp_path / "program"
    program.write_text(
        f"import sys\nif '--child' in sys.argv:\n    {CHILD}\nfrom config.supervisor import Supervisor\nSupervisor(2).run()\n"
    )
    supervisor = subprocess.Popen([sys.executable, str(program)], env={**os.environ, "PYTHONPATH": str(ROOT)})
    try:
        first = started(tmp_path, 2)

        os.kill(first[0], signal.SIGKILL)
        third = [pid for pid in started(tmp_path, 3) if pid not in first]

        supervisor.terminate()
        assert supervisor.wait(TIMEOUT_S) == 0
        for pid in (first[1], *third):
            assert not alive(pid)
    finally:
        supervisor.kill()


def started(folder: Path, count: int) -> list[int]:
    """Wait until so many processes have begun, and return their ids."""

    def find() -> list[int]:
        return sorted(int(path.suffix[1:]) for path in folder.glob("program.*"))

    wait_until(lambda: len(find()) >= count)
    return find()


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_what_is_started_again_is_of_the_version_that_runs(tmp_path):
    current = tmp_path / "current"
    current.symlink_to(sys.prefix)
    told = "from config.supervisor import PYTHON; print(PYTHON)"

    done = subprocess.run([str(current / "bin" / "python"), "-c", told], capture_output=True, text=True, check=True, cwd=ROOT)

    assert done.stdout.startswith(str(Path(sys.prefix).resolve()))
