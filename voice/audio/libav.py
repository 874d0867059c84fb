"""A libav codec behind a muxer that hands on every packet at once."""

from __future__ import annotations

from typing import cast

import av
import numpy as np
from av.audio.stream import AudioStream

from voice.audio.formats import Codec
from voice.audio.pcm import RATE
from voice.engines.base import Pcm

_WRITE_BUFFER = 1024
# bytes that libavformat may gather before it hands them on; `flush_packets` makes it hand on every packet anyway
_MUXER_OPTIONS = {"fflags": "+bitexact", "flush_packets": "1"}
# bitexact: no random Ogg serial number and no version string, so that equal PCM gives equal bytes


class _Sink:
    """A file that can be written and nothing else, so that no muxer seeks back in it."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        taken = b"".join(self._parts)
        self._parts.clear()
        return taken


class Libav:
    """A libav codec and muxer, fed with whole codec frames only, so that the bytes do not depend on the size of the blocks."""

    def __init__(self, codec: Codec) -> None:
        self._frame = codec.frame
        self._sink = _Sink()
        self._waiting: list[Pcm] = []
        self._waiting_samples = 0
        self._position = 0
        # samples fed to the codec so far
        self._container = av.open(
            self._sink,
            "w",
            format=codec.muxer,
            buffer_size=_WRITE_BUFFER,
            container_options={**_MUXER_OPTIONS, **codec.muxer_options},
        )
        stream = self._container.add_stream(codec.name, rate=RATE, layout="mono", options=dict(codec.codec_options))
        self._stream = cast("AudioStream", stream)
        if codec.bit_rate:
            self._stream.bit_rate = codec.bit_rate

    def encode(self, pcm: Pcm) -> bytes:
        self._waiting.append(pcm)
        self._waiting_samples += pcm.size
        if self._waiting_samples >= self._frame:
            whole = np.concatenate(self._waiting)
            ready = whole.size - whole.size % self._frame
            for start in range(0, ready, self._frame):
                self._feed(whole[start : start + self._frame])
            self._waiting, self._waiting_samples = [whole[ready:]], whole.size - ready
        return self._sink.take()

    def finish(self) -> bytes:
        """The rest. A stream that was fed nothing has no bytes at all."""
        if self._waiting_samples:
            self._feed(np.concatenate(self._waiting))
        if self._position:
            self._container.mux(self._stream.encode(None))
        self._container.close()
        return self._sink.take()

    def close(self) -> None:
        self._container.close()

    def _feed(self, pcm: Pcm) -> None:
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(pcm)[np.newaxis], format="s16", layout="mono")
        frame.sample_rate = RATE
        frame.pts = self._position
        self._position += pcm.size
        self._container.mux(self._stream.encode(frame))
