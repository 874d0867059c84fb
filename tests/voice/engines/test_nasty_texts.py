from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("engine", "speaker"), [("flite", "slt"), ("flite", "kal"), ("espeak", "espeak-en-us"), ("espeak", "espeak-cmn"), ("tone", "tone")]
)
def test_no_text_breaks_an_engine(engine: str, speaker: str):
    finished = subprocess.run([sys.executable, "-m", "tests.voice.engines.nasty", engine, speaker], capture_output=True, check=False)

    assert finished.returncode == 0, finished.stderr.decode()[-2_000:]
