from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.shapes("embedded", "deployed")

ROOT = Path(__file__).resolve().parents[2]
SIGNALS_AND_LOOKS = """
import signal
from jobs import departure
from jobs.departure import Reason

asked = heard = 0

def ask(*_):
    global asked
    asked += 1
    departure.ask(Reason.WISHED)

signal.signal(signal.SIGALRM, ask)
signal.setitimer(signal.ITIMER_REAL, 0.00005, 0.00005)
while asked < 5_000:
    heard += departure.wait(0.00001) is not None
signal.setitimer(signal.ITIMER_REAL, 0)
signal.signal(signal.SIGALRM, signal.SIG_IGN)
while departure.wait(0.01) is not None:
    heard += 1
print(heard == asked)
"""


def test_a_signal_asks_at_whatever_moment_it_comes():
    # on its own: what stands still would hold up every other test
    done = subprocess.run([sys.executable, "-c", SIGNALS_AND_LOOKS], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)

    assert done.stdout.strip() == "True"
