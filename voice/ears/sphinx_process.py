"""A process that listens, as an object: PocketSphinx holds Python's lock for as long as it listens, seconds in which no other thread
would renew its lease."""

from __future__ import annotations

import json
import selectors
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from voice.ears.base import EarFailed, Word
from voice.ears.sphinx_program import FRAMES, HEAD

PATIENCE = 120.0
# seconds for one utterance on a busy machine
LOOK_EVERY = 0.25
# seconds between two looks at whether the words are still wanted
READ = 1 << 16
ENVIRONMENT = {"LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}
# none of ours, so that no secret is in reach


class SphinxProcess:
    """For one thread at a time. It loads its model while the first samples are on their way, and ends with its standard input."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603  -- our own program
            [sys.executable, "-I", str(Path(__file__).with_name("sphinx_program.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=ENVIRONMENT,
            cwd="/",
            bufsize=0,
            start_new_session=True,
        )
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._output, selectors.EVENT_READ)
        self._unread = b""
        # the beginning of an answer

    def hear(self, data: bytes, *, check: Callable[[], None]) -> list[Word]:
        """The words of an utterance, in seconds from its first sample."""
        self._send(data)
        deadline = time.monotonic() + PATIENCE
        while (rows := self._answer(LOOK_EVERY)) is None:
            check()
            if time.monotonic() > deadline:
                raise EarFailed
        return [Word(text, first / FRAMES, (last + 1) / FRAMES, probability) for text, first, last, probability in rows]

    def kill(self) -> None:
        self._process.kill()
        self._selector.close()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        self._process.wait()

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    @property
    def _output(self) -> Any:
        return self._process.stdout

    def _send(self, data: bytes) -> None:
        rest = memoryview(HEAD.pack(len(data)) + data)
        try:
            while rest:
                assert self._process.stdin is not None  # noqa: S101  -- it was asked for
                rest = rest[self._process.stdin.write(rest) or 0 :]
        except OSError:
            raise EarFailed from None

    def _answer(self, wait: float) -> Any:
        """The answer, None when it does not come in time; EarFailed when none will come."""
        while b"\n" not in self._unread:
            if not self._selector.select(wait):
                return None
            data = self._output.read(READ)
            if not data:
                raise EarFailed
            self._unread += data
        line, _, self._unread = self._unread.partition(b"\n")
        return json.loads(line)
