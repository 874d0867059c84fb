"""A file that somebody uploaded, to samples, by a process that may die of it (`decoder.py`)."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO

import numpy as np

from voice.audio.decoder import RATE, End
from voice.audio.errors import AudioFormatUnsupported, AudioSilent, AudioTooLong, AudioTooShort, AudioUnreadable, DecoderFailed
from voice.engines.base import Pcm

MEMORY = 1536 << 20
# bytes of address space; a file that needs more is none
CLOCK = 2.0
# times the processor time that decoding may take on the clock, and START
START = 5.0
# seconds for the process to begin on a busy machine
LOOK_EVERY = 0.25
# seconds between two looks at whether the samples are still wanted
PIECE = 1 << 16
PADDING = 0.25
# seconds that an encoder may have added at the ends of what is exactly as long as it may be
SILENCE = 33
# peak of what is silent, once its mean is taken off: -60 dB of full scale
ENVIRONMENT = {"LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}
# none of ours, so that no secret is in reach


def decode(
    file: IO[bytes],
    container: str,
    *,
    longest: float,
    shortest: float = 0.0,
    processor_seconds: int = 15,
    silent: bool = False,
    check: Callable[[], None] = lambda: None,
) -> Pcm:
    """Mono samples at RATE of an open file that has a descriptor. Lengths are in seconds; `check` is called now and then, and may raise.
    `silent` says whether silence will do.

    Raises an AudioRefusal for what can't be used: AudioUnreadable also for what takes too much time or memory, or kills the process.
    """
    file.flush()
    process = _start(file, container, round((longest + PADDING) * RATE), processor_seconds)
    try:
        data = _read(process, time.monotonic() + START + CLOCK * processor_seconds, check)
        end = process.wait()
    finally:
        _kill(process)
    match end:
        case End.DECODED:
            return _checked(np.frombuffer(data, np.int16), shortest, silent=silent)
        case End.UNSUPPORTED:
            raise AudioFormatUnsupported
        case End.TOO_LONG:
            raise AudioTooLong(longest)
        case End.NOT_FINITE:
            raise AudioUnreadable("The file holds samples that are no numbers (NaN or infinity). Export it again, as 16-bit WAV.")
        case 1:
            raise DecoderFailed
        case _:
            raise AudioUnreadable


def _start(file: IO[bytes], container: str, most: int, processor_seconds: int) -> subprocess.Popen[bytes]:
    limits = (str(most), str(processor_seconds), str(MEMORY))
    return subprocess.Popen(  # noqa: S603  -- our own program, with arguments of our own
        [sys.executable, "-I", str(Path(__file__).with_name("decoder.py")), container, *limits],
        stdin=file,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=ENVIRONMENT,
        cwd="/",
        start_new_session=True,
    )


def _read(process: subprocess.Popen[bytes], deadline: float, check: Callable[[], None]) -> bytearray:
    """All that the process writes. It writes no more samples than it was told."""
    data = bytearray()
    assert process.stdout is not None  # noqa: S101  -- it was asked for
    with process.stdout as output, selectors.DefaultSelector() as selector:
        selector.register(output, selectors.EVENT_READ)
        while True:
            check()
            if time.monotonic() > deadline:
                raise AudioUnreadable("The file takes too long to decode. Export it again, as WAV if you can.")
            if selector.select(LOOK_EVERY):
                piece = os.read(output.fileno(), PIECE)
                if not piece:
                    return data
                data += piece


def _kill(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _checked(pcm: Pcm, shortest: float, *, silent: bool) -> Pcm:
    seconds = pcm.size / RATE
    if not pcm.size:
        raise AudioUnreadable
    if seconds < shortest:
        raise AudioTooShort(seconds, shortest)
    mean = pcm.mean()
    # without an array of floats, four times as large as the samples: those of half an hour are 70 MB as they are
    if not silent and max(pcm.max() - mean, mean - pcm.min()) <= SILENCE:
        raise AudioSilent
    return pcm
