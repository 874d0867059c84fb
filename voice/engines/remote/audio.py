"""An upstream's answer, believed only as far as it can be checked: that it is PCM, and no more of it than the text can take."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator

import httpx
import numpy as np

from voice.engines.base import Pcm
from voice.engines.remote.errors import UpstreamBroken, UpstreamInvalidResponse, UpstreamTimeout, UpstreamUnavailable
from voice.upstreams.errors import UpstreamFailure

HEAD = 1500
# bytes that are looked at before the first are believed, 31 ms: a frame of MP3 and the beginning of the next
TEXT_HEAD = 64
# bytes; samples that are all printable characters for so long are text
PCM_TYPES = {"", "audio/pcm", "audio/x-pcm", "audio/raw", "audio/x-raw", "application/octet-stream", "binary/octet-stream"}
MAGIC = (b"ID3", b"RIFF", b"OggS", b"fLaC", b"\x1aE\xdf\xa3", b"\x1f\x8b")
# MP3 with tags, WAV, Ogg, FLAC, WebM, gzip
SYNC = 0xFF
MPEG_SYNC = {0xE2, 0xE3, 0xF0, 0xF1, 0xF2, 0xF3, 0xF8, 0xF9, 0xFA, 0xFB}
# second byte of a frame of MP3 or of AAC, the first being SYNC
SAMPLE_BYTES = 2

log = logging.getLogger(__name__)


class Audio:
    """The body of an answer with status 200, as blocks of int16."""

    def __init__(self, response: httpx.Response, *, upstream: str, most: int) -> None:
        self._response = response
        self._upstream = upstream
        self._left = most
        # bytes that may still come
        self._body = response.aiter_raw()
        self._head = b""

    async def begin(self) -> None:
        """Wait for the first of it, and judge that. Raises UpstreamInvalidResponse, UpstreamTimeout or UpstreamUnavailable."""
        named = self._response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if named not in PCM_TYPES:
            raise self._lie(f"it says {named[:TEXT_HEAD]!r}")
        if self._response.headers.get("content-encoding", "identity") != "identity":
            raise self._lie("it is packed, which was not asked for")
        while len(self._head) < HEAD and (data := await self._read(UpstreamUnavailable)):
            self._head += data
        if len(self._head) < SAMPLE_BYTES:
            raise self._lie("it is empty")
        if _is_text(self._head):
            raise self._lie("it is text")
        if _is_compressed(self._head):
            raise self._lie("it is another format")

    async def blocks(self) -> AsyncGenerator[Pcm, None]:
        """int16 of shape (samples,), as they come. Raises UpstreamBroken, UpstreamTimeout, or UpstreamInvalidResponse for too much."""
        data = self._head
        odd = b""
        while data:
            self._left -= len(data)
            if self._left < 0:
                raise self._lie("it is longer than the text can take")
            data = odd + data
            whole = len(data) - len(data) % SAMPLE_BYTES
            odd = data[whole:]
            if whole:
                yield np.frombuffer(data[:whole], "<i2").astype(np.int16, copy=False)
            data = await self._read(UpstreamBroken)
        if odd:
            raise UpstreamBroken(self._upstream)

    async def close(self) -> None:
        await self._response.aclose()

    async def _read(self, cut: type[UpstreamFailure]) -> bytes:
        """What came next, nothing at the end; `cut` where the connection went."""
        try:
            return await anext(self._body, b"")
        except httpx.TimeoutException as late:
            raise UpstreamTimeout(self._upstream) from late
        except httpx.HTTPError as gone:
            raise cut(self._upstream) from gone

    def _lie(self, why: str) -> UpstreamInvalidResponse:
        log.warning("the upstream %s did not answer with the audio that was asked for: %s", self._upstream, why)
        return UpstreamInvalidResponse(self._upstream)


def _is_text(head: bytes) -> bool:
    """Whether it is a page or JSON under a wrong name, which ends early or goes on in printable characters."""
    try:
        start = head[:TEXT_HEAD].decode("ascii")
    except UnicodeDecodeError:
        return False
    return all(character.isprintable() or character in "\r\n\t" for character in start)


def _is_compressed(head: bytes) -> bool:
    """By a signature, or by two frames of MPEG audio: one alone could be a sample of -1,025."""
    return head.startswith(MAGIC) or (head[0] == SYNC and head[1] in MPEG_SYNC and head.find(head[:2], SAMPLE_BYTES) > 0)
