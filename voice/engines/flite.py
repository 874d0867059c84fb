"""CMU Flite: four English voices, small and quick, through libflite (Debian: `libflite1`, which `flite` brings along).

The library runs in a process beside this one (`libflite.py` says why) which forks for each utterance: utterances run in parallel, the
same utterance gives the same samples, a text that crashes the library fails alone.
"""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import threading
import unicodedata
import weakref
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from voice.engines.base import EngineFailed, EngineUnavailable, Mark, Pcm, Speaker, Synthesizer, UnsupportedText, Utterance

LIBRARY = "libflite.so.1"
RATE = 16_000
PATIENCE = 60
# seconds for one block: some ms, but for a long text on a busy machine
STOP_PATIENCE = 5
# seconds
LENGTH_BYTES = 4
_RUN = re.compile(r"\S+")

_SPEAKERS = (
    Speaker("slt", ("en-us", "en"), RATE, "female", "CMU Flite: a woman from the United States."),
    Speaker("rms", ("en-us",), RATE, "male", "CMU Flite: a man from the United States."),
    Speaker("awb", ("en-gb", "en-gb-scotland"), RATE, "male", "CMU Flite: a man from Scotland."),
    Speaker("kal", ("en-us",), RATE, "male", "CMU Flite: a man from the United States, by diphones: the quickest and most mechanical."),
)
_SPELLINGS = str.maketrans(
    {
        "\u2018": "'", "\u2019": "'", "\u02bc": "'", "\u201c": '"', "\u201d": '"', "\u2010": "-", "\u2011": "-", "\u2012": "-",
        "\u2013": " - ", "\u2014": " - ", "\u2212": "-", "\u00df": "ss", "\u1e9e": "SS", "\u00e6": "ae", "\u00c6": "AE", "\u0153": "oe",
        "\u0152": "OE", "\u00f8": "o", "\u00d8": "O", "\u0142": "l", "\u0141": "L", "\u0111": "d", "\u0110": "D", "\u00f0": "th",
        "\u00d0": "Th", "\u00fe": "th", "\u00de": "Th", "\u0131": "i",
        "\u20ac": " euro ", "\u00a3": " pound ", "\u00a5": " yen ", "\u00b0": " degrees ", "\u00d7": " times ", "\u00f7": " divided by ",
    }
)  # fmt: skip
# what Unicode's compatibility forms don't take apart


class Flite(Synthesizer):
    name: ClassVar[str] = "flite"
    speeds: ClassVar[tuple[float, float]] = (0.25, 4.0)
    verbatim: ClassVar[bool] = False
    timed: ClassVar[bool] = True

    def __init__(self, library: str = LIBRARY) -> None:
        self._library = library
        self._starting = threading.Lock()
        self._start()

    def speakers(self) -> Sequence[Speaker]:
        return _SPEAKERS

    def synthesize(self, utterance: Utterance) -> Generator[Pcm, None, None]:
        """Yield int16 blocks of shape (n,), about 100 ms each, at 16 kHz.

        Raises UnsupportedText where no letter or digit is left in ASCII, EngineFailed where the library crashes or stalls.
        """
        text, places = spelt(utterance.text)
        request = {"text": text, "voice": utterance.speaker, "stretch": 1 / utterance.speed, "timed": utterance.mark is not None}
        with self._child() as stream:
            stream.settimeout(PATIENCE)
            try:
                stream.sendall(json.dumps(request).encode() + b"\n")
                while block := _block(stream):
                    yield np.frombuffer(block, np.int16)
                if utterance.mark is not None:
                    for mark in _marks(text, places, json.loads(_line(stream))):
                        utterance.mark(mark)
            except OSError as broken:
                raise EngineFailed from broken

    def _child(self) -> socket.socket:
        """Our end of a new child's socket."""
        ours, theirs = socket.socketpair()
        with theirs:
            control = self._control
            try:
                socket.send_fds(control, [b"\0"], [theirs.fileno()])
            except OSError:
                self._restart(control)
                socket.send_fds(self._control, [b"\0"], [theirs.fileno()])
        return ours

    def _restart(self, broken: socket.socket) -> None:
        with self._starting:
            if self._control is broken:
                self._stop()
                self._start()

    def _start(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen(  # noqa: S603 our own program
                [sys.executable, "-I", "-S", str(Path(__file__).with_name("libflite.py")), self._library],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                # a Ctrl-C at the terminal is the worker's to answer, which may still speak to the end
            )
        self._control = ours
        self.process = process.pid
        # the id of the process that forks
        self._stop = weakref.finalize(self, _end, ours, process)
        with ours.makefile("rb") as told:
            said = told.readline()
        error = json.loads(said)["error"] if said else "it ended at once"
        if error:
            self._stop()
            raise EngineUnavailable(f"Flite is missing ({error}). Install it: apt-get install libflite1")


def spelt(text: str) -> tuple[str, list[int]]:
    """The text in printable ASCII, which is all that the library knows, and the place in the text of each character of that.

    Raises UnsupportedText where no letter or digit is left.
    """
    plain = [(_plain(character), place) for place, character in enumerate(text)]
    ascii_only = "".join(characters for characters, _ in plain)
    if not any(character.isalnum() for character in ascii_only):
        raise UnsupportedText("This voice speaks English: it can't read any character of the text.")
    return ascii_only, [place for characters, place in plain for _ in characters]


def _plain(character: str) -> str:
    parts = unicodedata.normalize("NFKD", character.translate(_SPELLINGS))
    return "".join(_kept(part) for part in parts if not unicodedata.combining(part))


def _kept(character: str) -> str:
    return character if character.isascii() and character.isprintable() else " "


def _marks(text: str, places: Sequence[int], said: Sequence[tuple[int, float, float]]) -> Iterator[Mark]:
    """Of what stands between blanks."""
    starts = {run.end(): run.start() for run in _RUN.finditer(text)}
    for read, at, until in said:
        # the blank behind it is read too, where there is one
        end = read - 1 if read - 1 in starts else read
        if end in starts and at < until:
            yield Mark(places[starts[end]], places[end - 1] + 1, at, until)


def _block(stream: socket.socket) -> bytearray:
    """The next block's samples, empty after the last. Raises EngineFailed where the child died before."""
    length = int.from_bytes(_exactly(stream, LENGTH_BYTES), "little")
    return _exactly(stream, length)


def _line(stream: socket.socket) -> bytes:
    """What comes last. Raises EngineFailed where the child died before."""
    with stream.makefile("rb") as rest:
        line = rest.readline()
    if not line:
        raise EngineFailed
    return line


def _exactly(stream: socket.socket, length: int) -> bytearray:
    data = bytearray(length)
    view = memoryview(data)
    while view:
        received = stream.recv_into(view)
        if not received:
            raise EngineFailed
        view = view[received:]
    return data


def _end(control: socket.socket, process: subprocess.Popen[bytes]) -> None:
    control.close()
    try:
        process.wait(STOP_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
