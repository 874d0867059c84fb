"""PCM into the formats that a client may ask for, byte by byte as the codec lets them go."""

from __future__ import annotations

import struct
from types import TracebackType
from typing import Protocol, Self

from voice.audio.formats import FORMATS
from voice.audio.libav import Libav
from voice.audio.pcm import RATE
from voice.engines.base import Pcm

SAMPLE_BYTES = 2
UNKNOWN_SIZE = 0xFFFFFFFF
"""What a WAV header says of its length while nobody knows it. A file that is kept gets `exact_wav_header`."""

_WAV_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")
WAV_HEADER_BYTES = _WAV_HEADER.size
_WAV_FORMAT_BYTES = 16
_WAV_PCM = 1
_CHANNELS = 1


def _wav_header(riff_bytes: int, data_bytes: int) -> bytes:
    byte_rate = RATE * _CHANNELS * SAMPLE_BYTES
    form = (_WAV_FORMAT_BYTES, _WAV_PCM, _CHANNELS, RATE, byte_rate, _CHANNELS * SAMPLE_BYTES, 8 * SAMPLE_BYTES)
    return _WAV_HEADER.pack(b"RIFF", riff_bytes, b"WAVE", b"fmt ", *form, b"data", data_bytes)


def exact_wav_header(data_bytes: int) -> bytes:
    """The 44 bytes that belong in front of `data_bytes` bytes of PCM, to be written over those that were streamed.

    Raises struct.error for more than 4 GiB (a day of speech), which the format can't say.
    """
    return _wav_header(WAV_HEADER_BYTES - 8 + data_bytes, data_bytes)


class _Work(Protocol):
    """What turns samples into bytes for one stream."""

    def encode(self, pcm: Pcm) -> bytes: ...

    def finish(self) -> bytes: ...

    def close(self) -> None: ...


class _Plain:
    """The samples as they are, behind a header or none."""

    def __init__(self, header: bytes) -> None:
        self._header = header

    def encode(self, pcm: Pcm) -> bytes:
        return self._take_header() + pcm.astype("<i2", copy=False).tobytes()

    def finish(self) -> bytes:
        return self._take_header()

    def close(self) -> None:
        """Nothing to free."""

    def _take_header(self) -> bytes:
        header, self._header = self._header, b""
        return header


class Encoder:
    """One stream of audio in one of FORMATS: `encode` for every block, then `finish`; or `close` at any time to leave it unfinished.

    Equal PCM gives equal bytes, however it is cut into blocks. One thread at a time. Raises KeyError for an unknown format, and
    ValueError when it is used after its end.
    """

    def __init__(self, format_name: str) -> None:
        self.format = FORMATS[format_name]
        self._work: _Work | None
        if self.format.codec:
            self._work = Libav(self.format.codec)
        else:
            self._work = _Plain(_wav_header(UNKNOWN_SIZE, UNKNOWN_SIZE) if format_name == "wav" else b"")

    def encode(self, pcm: Pcm) -> bytes:
        """Take a block at RATE; return the bytes that are ready, possibly none."""
        return self._open().encode(pcm)

    def finish(self) -> bytes:
        """The last bytes. A stream without a sample ends well too."""
        work, self._work = self._open(), None
        return work.finish()

    def close(self) -> None:
        """Free the codec; the bytes that were not taken are lost. Harmless after `finish` and a second time."""
        work, self._work = self._work, None
        if work:
            work.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _open(self) -> _Work:
        if self._work is None:
            raise ValueError("the stream is over")
        return self._work
