"""`manage.py say` beside a running service, and where nothing runs."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from tests.e2e.system import PREPARE, ROOT, System
from tests.tones import read_tones
from tests.waiting import TIMEOUT_S

pytestmark = pytest.mark.shapes("embedded", "deployed")


def test_a_running_service_says_it(system, tmp_path):
    told = system.run("say", "Hi there", "--voice", "tone", "-o", str(tmp_path / "hi.pcm"), "--fresh")

    assert read_tones(np.fromfile(tmp_path / "hi.pcm", np.int16)) == "Hi there"
    job = told.split()[-1]
    with system.client() as client:
        assert client.get(f"/v1/jobs/{job}").json()["state"] == "completed"


@pytest.mark.shapes("embedded")  # where there is Redis, workers are other processes
def test_where_nothing_runs_and_nothing_is_shared_it_does_the_work_itself(folder):
    alone = System(folder)
    alone.shell(PREPARE.format(port=alone.port))

    done = subprocess.run(
        [sys.executable, "manage.py", "say", "-o", "-", "--format", "pcm", "--voice", "tone"],
        cwd=ROOT, env=alone.environment, input=b"All alone", capture_output=True, timeout=TIMEOUT_S, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert read_tones(np.frombuffer(done.stdout, np.int16)) == "All alone"
    assert done.stderr == b""
    alone.stop()
