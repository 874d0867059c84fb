"""The formats of a session's audio: PCM at 24 kHz as it is, and G.711's two laws, a byte a sample at 8 kHz.

The laws are the standard library's `audioop`, which lives on as `audioop-lts` from Python 3.13 on.
"""

from __future__ import annotations

import audioop
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from config.errors import Refusal
from voice.engines.base import Pcm
from voice.realtime.narrowband import Narrower, Widener

Format = Literal["audio/pcm", "audio/pcmu", "audio/pcma"]

SAMPLE_BYTES = 2


class InvalidAudio(Refusal):
    code = "invalid_audio"
    message = "PCM has two bytes a sample: send an even number of bytes with every event."

    def __init__(self) -> None:
        super().__init__(param="audio")


@dataclass(frozen=True, slots=True)
class Law:
    encode: Callable[[bytes, int], bytes]
    decode: Callable[[bytes, int], bytes]


LAWS = {"audio/pcmu": Law(audioop.lin2ulaw, audioop.ulaw2lin), "audio/pcma": Law(audioop.lin2alaw, audioop.alaw2lin)}


class Codec:
    """Of one session's audio in one format, both ways as streams; what comes out lasts as long as what went in."""

    def __init__(self, form: Format) -> None:
        self._law = LAWS.get(form)
        # None: PCM
        self._widener = Widener()
        self._narrower = Narrower()

    def decode(self, data: bytes) -> Pcm:
        """What a client sent, at 24 kHz. InvalidAudio for half a sample."""
        if self._law:
            return self._widener.push(np.frombuffer(self._law.decode(data, SAMPLE_BYTES), np.int16))
        if len(data) % SAMPLE_BYTES:
            raise InvalidAudio
        return np.frombuffer(data, "<i2").astype(np.int16, copy=False)

    def encode(self, pcm: Pcm) -> bytes:
        """What a client is to be sent."""
        if self._law:
            return self._law.encode(self._narrower.push(pcm).tobytes(), SAMPLE_BYTES)
        return pcm.astype("<i2", copy=False).tobytes()
