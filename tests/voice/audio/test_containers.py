"""A file is what its first bytes say, whatever it is called."""

from __future__ import annotations

import io
import struct

import pytest

from tests.voice.audio.files import M4A, WEBM, encoded, muxed, wav, with_id3, zipped
from tests.voice.audio.sounds import sine
from voice.audio.containers import container_of
from voice.audio.decoder import DEMUXERS

TONE = sine(300)


def told(data: bytes) -> str | None:
    return container_of(io.BytesIO(data))


@pytest.mark.parametrize(
    ("data", "container"),
    [
        (encoded(TONE, "wav"), "wav"),
        (encoded(TONE, "mp3"), "mp3"),
        (encoded(TONE, "flac"), "flac"),
        (encoded(TONE, "opus"), "ogg"),
        (encoded(TONE, "aac"), "aac"),
        (muxed(sine(300, rate=44_100), *M4A), "mp4"),
        (muxed(sine(300, rate=44_100), "mov", "aac", 44_100), "mp4"),
        (muxed(sine(300, rate=48_000), *WEBM), "webm"),
        (with_id3(encoded(TONE, "mp3")), "mp3"),
        (with_id3(with_id3(encoded(TONE, "aac"), b"second"), b"x" * 1_000_000), "aac"),
    ],
    ids=["wav", "mp3", "flac", "opus", "aac", "m4a", "mov", "webm", "mp3 with a tag", "aac with two tags"],
)
def test_what_is_taken_is_known(data, container):
    assert told(data) == container
    assert container in DEMUXERS


@pytest.mark.parametrize(
    "data",
    {
        "nothing": b"",
        "one byte": b"R",
        "ffconcat": b"ffconcat version 1.0\nfile '/etc/passwd'\n",
        "SDP": b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\nm=audio 5004 RTP/AVP 0\r\n",
        "M3U": b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
        "PLS": b"[playlist]\nFile1=http://127.0.0.1/x\n",
        "XSPF, DASH, SMIL, SVG": b"<?xml version='1.0'?><playlist/>",
        "CUE": b'FILE "x.wav" WAVE\n',
        "HTML": b"<!doctype html><script>alert(1)</script>",
        "PDF": b"%PDF-1.7\n",
        "ELF": b"\x7fELF" + bytes(200),
        "EXE": b"MZ" + bytes(200),
        "ZIP": zipped(),
        "GZIP": b"\x1f\x8b\x08" + bytes(200),
        "TAR": b"x.wav".ljust(257, b"\0") + b"ustar\0" + bytes(200),
        "PNG": b"\x89PNG\r\n\x1a\n" + bytes(200),
        "AIFF": b"FORM\0\0\0\0AIFF" + bytes(200),
        "AIFF-C": b"FORM\0\0\0\0AIFC" + bytes(200),
        "CAF": b"caff\0\1\0\0" + bytes(200),
        "AU": b".snd" + bytes(200),
        "VOC": b"Creative Voice File\x1a" + bytes(200),
        "AMR": b"#!AMR\n" + bytes(200),
        "RF64": b"RF64\xff\xff\xff\xffWAVEds64" + bytes(200),
        "W64": b"riff\x2e\x91\xcf\x11" + bytes(200),
        "DSD": b"DSD " + bytes(200),
        "AVI": b"RIFF\0\0\0\0AVI LIST" + bytes(200),
        "MIDI": b"MThd\0\0\0\6" + bytes(200),
        "zeros": bytes(1000),
        "a tag and no more": with_id3(b""),
        "a tag before a ZIP": with_id3(zipped()),
        "a tag before FLAC, which is not where one belongs": with_id3(encoded(TONE, "flac")),
        "a tag that says it is longer than the file": with_id3(encoded(TONE, "mp3"), claims=0x0FFFFFFF),
        "a tag in a tag in a tag": with_id3(with_id3(with_id3(with_id3(with_id3(with_id3(encoded(TONE, "mp3"))))))),
        "a WAV behind a byte": b"\0" + wav(TONE.tobytes()),
        "MPEG layer I": b"\xff\xff\x90\x64" + bytes(200),
        "a bit rate that is none": b"\xff\xfb\xf0\x64" + bytes(200),
        "EBML of something else": b"\x1a\x45\xdf\xa3\x84\x42\x82" + struct.pack(">B", 0x84) + b"else" + bytes(200),
    }.items(),
    ids=lambda pair: pair[0],
)
def test_everything_else_is_not(data):
    assert told(data[1]) is None


def test_the_file_is_left_at_its_beginning():
    file = io.BytesIO(with_id3(encoded(TONE, "mp3")))
    file.seek(7)

    container_of(file)

    assert file.tell() == 0
