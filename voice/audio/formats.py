"""The formats that a client may ask for, as data: to name one takes no codec, to make one does (`encode`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

BITS = 8
# in a byte
PLAIN = 48_000
# bytes in a second of samples as they are: 24,000 of 16 bit
_FLAC_OPTIONS = {"compression_level": "2", "lpc_type": "levinson", "min_prediction_order": "4", "max_prediction_order": "8"}


@dataclass(frozen=True, slots=True)
class Codec:
    """How libav makes a format."""

    name: str
    muxer: str
    frame: int
    # samples at RATE that go into one packet
    bit_rate: int | None = None
    # bit/s; None where the codec is lossless
    codec_options: Mapping[str, str] = field(default_factory=dict)
    muxer_options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Format:
    """A format as a client sees it."""

    name: str
    media_type: str
    codec: Codec | None = None
    # None: the samples as they are

    @property
    def bytes_a_second(self) -> int:
        """What a second of sound comes to; of a lossless codec, at most."""
        lossy = self.codec.bit_rate if self.codec else None
        return lossy // BITS if lossy else PLAIN


FORMATS: dict[str, Format] = {
    form.name: form
    for form in (
        Format(
            "mp3",
            "audio/mpeg",
            # MPEG-2 layer III. Without the bit reservoir a frame waits for no later one: 48 ms instead of 72 to the first byte.
            Codec("libmp3lame", "mp3", 576, 64_000, {"reservoir": "0"}, {"write_xing": "0", "id3v2_version": "0"}),
        ),
        Format(
            "opus",
            "audio/ogg",
            # `page_duration` is in microseconds: a page of its own for every packet of 20 ms.
            Codec("libopus", "ogg", 480, 32_000, {"application": "voip", "frame_duration": "20"}, {"page_duration": "20000"}),
        ),
        Format("aac", "audio/aac", Codec("aac", "adts", 1024, 64_000, {"flags": "+bitexact"})),
        Format(
            "flac",
            "audio/flac",
            # Level 2 has blocks of 24 ms instead of 96; the linear prediction of level 5 on top of it wins most of the size back.
            # The lowest order must be named: libavcodec's default beside this lpc_type makes files that can't be decoded.
            Codec("flac", "flac", 576, None, _FLAC_OPTIONS, {"metadata_header_padding": "0"}),
        ),
        Format("wav", "audio/wav"),
        Format("pcm", "audio/pcm"),
    )
}
