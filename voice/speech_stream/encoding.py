"""All the sound of a socket as one stream in the format that it asked for."""

from __future__ import annotations

import asyncio

import numpy as np

from voice.audio.encode import Encoder


class Encoding:
    """A codec works in a thread: a second of sound takes it some 10 ms, in which others are waiting."""

    def __init__(self, form: str) -> None:
        self._encoder = Encoder(form)
        self._busy: asyncio.Future[bytes] | None = None

    async def encode(self, pcm: bytes, *, last: bool) -> bytes:
        """The bytes that are ready, possibly none."""
        if self._encoder.format.codec is None:
            return self._encoded(pcm, last)
        # a thread can't be cancelled, and the codec must not be freed under it
        self._busy = asyncio.ensure_future(asyncio.to_thread(self._encoded, pcm, last))
        return await asyncio.shield(self._busy)

    async def close(self) -> None:
        if self._busy is not None:
            await asyncio.wait([self._busy])
        self._encoder.close()

    def _encoded(self, pcm: bytes, last: bool) -> bytes:
        encoded = self._encoder.encode(np.frombuffer(pcm, "<i2"))
        return encoded + self._encoder.finish() if last else encoded
