"""Files as people send them, good and bad, made here. Sounds are 16-bit samples, as `sounds.py` makes them."""

from __future__ import annotations

import io
import struct
import tempfile
import zipfile
from pathlib import Path

import av
import numpy as np

from voice.audio.encode import Encoder

WEBM = ("webm", "libopus", 48_000)
M4A = ("ipod", "aac", 44_100)


def opened(data):
    """The bytes as a file with a descriptor."""
    file = tempfile.TemporaryFile()  # noqa: SIM115  -- whoever asked for it closes it
    file.write(data)
    file.seek(0)
    return file


def encoded(pcm, form):
    """As the service itself encodes."""
    with Encoder(form) as encoder:
        return encoder.encode(pcm) + encoder.finish()


def muxed(pcm, muxer, codec, rate, *, layout="mono", form="s16", options=None, metadata=None):
    """By libav: `pcm` is at `rate`, and goes to every channel."""
    # by name: a muxer that moves its index to the front reads its own file again
    with tempfile.NamedTemporaryFile() as sink, av.open(sink.name, "w", format=muxer, container_options=options or {}) as container:
        container.metadata.update(metadata or {})
        stream = container.add_stream(codec, rate=rate, layout=layout)
        channels = stream.layout.nb_channels
        samples = np.repeat(pcm[np.newaxis], channels, axis=0).T.reshape(1, -1) if channels > 1 else pcm[np.newaxis]
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), format=form, layout=layout)
        frame.sample_rate = rate
        resampler = av.AudioResampler(stream.format, stream.layout, rate, frame_size=stream.codec_context.frame_size or 1024)
        for ready in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(ready))
        container.mux(stream.encode(None))
        container.close()
        return Path(sink.name).read_bytes()


def wav(data, *, rate=24_000, channels=1, bits=16, tag=1, claims=None, extra=b""):
    """A WAV that may say of itself what it likes. `extra` are chunks before the samples."""
    size = len(data) if claims is None else claims
    align = channels * bits // 8
    fmt = struct.pack("<HHIIHH", tag, channels, rate, rate * align & 0xFFFFFFFF, align & 0xFFFF, bits)
    body = b"WAVEfmt " + struct.pack("<I", len(fmt)) + fmt + extra + b"data" + struct.pack("<I", size & 0xFFFFFFFF) + data
    return b"RIFF" + struct.pack("<I", min(len(body) + size - len(data), 0xFFFFFFFF)) + body


def zipped():
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("sample.wav", wav(b"\0\0" * 24_000))
    return sink.getvalue()


def with_id3(data, comment=b"x" * 100, *, claims=None):
    size = len(comment) if claims is None else claims
    return b"ID3\x04\0\0" + bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0)) + comment + data
