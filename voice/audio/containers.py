"""What a file is, by its first bytes: its name and what its sender calls it are not asked."""

from __future__ import annotations

import os
import re
from typing import IO

HEAD = 512
# bytes that are looked at
ID3_HEADER = 10
MOST_TAGS = 4
# ID3 tags in front of the audio; there is one, or somebody plays
_ID3 = re.compile(rb"ID3[\x02-\x04].[\x00-\xff]([\x00-\x7f]{4})", re.DOTALL)
_MATROSKA = re.compile(rb"\x1a\x45\xdf\xa3.{0,60}?\x42\x82.{1,8}?(webm|matroska)", re.DOTALL)
_SYNC = 0xFF
_LAYER = 0b110
_LAYER_3 = 0b010
# in the second byte of an MPEG frame; no layer at all: AAC in ADTS


def container_of(file: IO[bytes]) -> str | None:
    """The name of the container, a key of `decoder.DEMUXERS`; None for whatever is none of them. The file is left at its beginning."""
    try:
        return _container_at(file, 0, MOST_TAGS)
    finally:
        file.seek(0)


def _container_at(file: IO[bytes], start: int, tags: int) -> str | None:
    file.seek(start)
    head = file.read(HEAD)
    if tag := _ID3.match(head):
        size = sum(byte << shift for byte, shift in zip(tag[1], (21, 14, 7, 0), strict=True))
        behind = start + ID3_HEADER + size
        inner = _container_at(file, behind, tags - 1) if tags and behind < file.seek(0, os.SEEK_END) else None
        # libav skips a tag in front of these two only
        return inner if inner in {"mp3", "aac"} else None
    if head.startswith(b"RIFF") and head[8:12] == b"WAVE":
        return "wav"
    if head.startswith(b"fLaC"):
        return "flac"
    if head.startswith(b"OggS\0"):
        return "ogg"
    if head[4:8] == b"ftyp":
        return "mp4"
    return "webm" if _MATROSKA.match(head) else _mpeg(head)


def _mpeg(head: bytes) -> str | None:
    """An MPEG frame's header: eleven bits that are set, then a layer, a bit rate and a sample rate that exist."""
    if len(head) < ID3_HEADER or head[0] != _SYNC or head[1] & 0xE0 != 0xE0:  # noqa: PLR2004  -- the bits of the format
        return None
    if head[1] & 0xF6 == 0xF0:  # noqa: PLR2004
        return "aac"
    bit_rate, sample_rate = head[2] >> 4, head[2] >> 2 & 0b11
    version = head[1] >> 3 & 0b11
    exists = version != 0b01 and bit_rate not in {0, 0b1111} and sample_rate != 0b11  # noqa: PLR2004
    return "mp3" if exists and head[1] & _LAYER == _LAYER_3 else None
