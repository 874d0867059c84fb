"""CMU PocketSphinx: English, offline, without a download. It understands a sentence that it expects; for dictation it is too weak.

The library holds Python's lock for as long as it listens, seconds in which no other thread would renew its lease. So it listens in a
process of its own (`sphinx_program.py`).
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import soxr

from voice.audio.pcm import RATE
from voice.ears.sphinx_program import HEARD_RATE
from voice.engines.base import EngineFailed, EngineUnavailable, Pcm

PATIENCE = 120.0
# seconds for a minute of speech on a busy machine
LOOK_EVERY = 0.25
# seconds between two looks at whether the words are still wanted
ENVIRONMENT = {"LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}


class Sphinx:
    languages: ClassVar[tuple[str, ...]] = ("en",)

    def __init__(self) -> None:
        if importlib.util.find_spec("pocketsphinx") is None:
            raise EngineUnavailable("PocketSphinx is not installed: pip install 'voice-platform[ears]'")

    def transcribe(self, pcm: Pcm, *, check: Callable[[], None]) -> str:
        """The words in lower case."""
        deadline = time.monotonic() + PATIENCE
        with tempfile.TemporaryFile() as file:
            file.write(soxr.resample(pcm, RATE, HEARD_RATE).astype("<i2").tobytes())
            file.seek(0)
            process = subprocess.Popen(  # noqa: S603  -- our own program
                [sys.executable, "-I", str(Path(__file__).with_name("sphinx_program.py"))],
                stdin=file,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=ENVIRONMENT,
                cwd="/",
            )
        with process:
            try:
                return _words(process, deadline, check)
            finally:
                process.kill()


def _words(process: subprocess.Popen[bytes], deadline: float, check: Callable[[], None]) -> str:
    while time.monotonic() < deadline:
        try:
            words, _ = process.communicate(timeout=LOOK_EVERY)
        except subprocess.TimeoutExpired:
            check()
            continue
        if process.returncode:
            break
        return words.decode().lower()
    raise EngineFailed("The transcriber failed.")
