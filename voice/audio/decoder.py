"""A file that somebody uploaded, to samples: a program of its own, run by `voice.audio.decode`, so that what a file does to libav is done
to nobody else.

Standard input is the file, seekable. Standard output gets int16 samples of the machine's byte order, mono, at
RATE. The exit status is one of End. Arguments: the container, the most samples, and the limits of processor time (s) and memory (bytes).

It is given as little as will do: it opens no file, starts no process, and reads the container that it is told, and no other, with the
decoders that it names, and no other. It imports no numpy, so that it starts in 70 ms.
"""

from __future__ import annotations

import math
import resource
import sys
from enum import IntEnum
from typing import IO, Literal

import av

RATE = 24_000
# Hz, of what comes out
LOWEST_RATE = 8_000
HIGHEST_RATE = 192_000
MOST_CHANNELS = 8
MOST_STREAMS = 16
MOST_FILES = 32
# that may be open, the interpreter's own among them
SAMPLE_BYTES = 2
DEMUXERS = {"wav": "wav", "mp3": "mp3", "flac": "flac", "ogg": "ogg", "mp4": "mov", "webm": "matroska", "aac": "aac"}
# by the names that `voice.audio.containers` gives
FLOATS: dict[str, Literal["f", "d"]] = {"pcm_f32le": "f", "pcm_f64le": "d"}
# decoders of what may be no number, and their samples' type as `memoryview` calls it
DECODERS = frozenset(
    {
        "mp3float", "mp3", "aac", "aac_fixed", "alac", "flac", "libopus", "opus", "vorbis", "pcm_alaw", "pcm_mulaw",
        "pcm_s16be", "pcm_s16le", "pcm_s24be", "pcm_s24le", "pcm_s32be", "pcm_s32le", "pcm_u8", *FLOATS,
    }
)  # fmt: skip


class End(IntEnum):
    """How it ended, as the exit status. Any other: it did not start (1), or was killed."""

    DECODED = 0
    UNREADABLE = 10
    UNSUPPORTED = 11
    TOO_LONG = 12
    NOT_FINITE = 13


class Ended(Exception):
    def __init__(self, end: End) -> None:
        super().__init__(end)
        self.end = end


class Output:
    """Where the samples go, as far as there may be any more."""

    def __init__(self, sink: IO[bytes], most: int) -> None:
        self._sink = sink
        self._left = most

    def write(self, frames: list[av.AudioFrame]) -> None:
        for frame in frames:
            self._left -= frame.samples
            if self._left < 0:
                raise Ended(End.TOO_LONG)
            self._sink.write(memoryview(frame.planes[0])[: frame.samples * SAMPLE_BYTES])


def decode(source: IO[bytes], sink: IO[bytes], container: str, most: int) -> None:
    """Raises Ended for what can't be decoded, and whatever libav raises."""
    output = Output(sink, most)
    name = DEMUXERS[container]
    options = {
        "format_whitelist": name,
        "protocol_whitelist": "",
        "codec_whitelist": ",".join(sorted(DECODERS)),
        "max_streams": str(MOST_STREAMS),
    }
    with av.open(source, "r", format=name, container_options=options, metadata_errors="ignore") as media:
        if not media.streams.audio:
            raise Ended(End.UNREADABLE)
        stream = media.streams.audio[0]
        context = stream.codec_context
        if context.name not in DECODERS:
            raise Ended(End.UNSUPPORTED)
        _check(context.sample_rate, context.channels)
        context.thread_count = 1
        resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
        heard = broken = 0
        for packet in media.demux(stream):
            try:
                frames = packet.decode()
            except av.InvalidDataError:
                # a decoder goes on behind a damaged place
                broken += 1
                continue
            for frame in frames:
                _check(frame.sample_rate, frame.layout.nb_channels)
                _check_numbers(frame, FLOATS.get(context.name))
                heard += 1
                output.write(resampler.resample(frame))
    if broken >= max(heard, 1):
        raise Ended(End.UNREADABLE)
    if heard:
        output.write(resampler.resample(None))


def _check(rate: int, channels: int) -> None:
    if not (LOWEST_RATE <= rate <= HIGHEST_RATE and 1 <= channels <= MOST_CHANNELS):
        raise Ended(End.UNSUPPORTED)


def _check_numbers(frame: av.AudioFrame, kind: Literal["f", "d"] | None) -> None:
    """A sum of floats is a number only if all of them are."""
    if kind is None:
        return
    for plane in frame.planes:
        samples = memoryview(plane).cast("B").cast(kind)
        if not math.isfinite(sum(samples)):
            raise Ended(End.NOT_FINITE)


def _limit(seconds: int, memory: int) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (MOST_FILES, MOST_FILES))
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main(container: str, most: str, seconds: str, memory: str) -> End:
    _limit(int(seconds), int(memory))
    try:
        # a descriptor shares its place in the file with its other holders
        sys.stdin.buffer.seek(0)
        decode(sys.stdin.buffer, sys.stdout.buffer, container, int(most))
        sys.stdout.buffer.flush()
    except Ended as ended:
        return ended.end
    except Exception:
        # whatever libav made of the file; the parent has what is to be said to whoever sent it
        return End.UNREADABLE
    return End.DECODED


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
