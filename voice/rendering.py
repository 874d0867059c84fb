"""Blocks of samples to an item's bytes, in the format that it asks for, written as they come."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing

from jobs import departure
from jobs.departure import Reason
from jobs.work import Work
from voice.audio.encode import SAMPLE_BYTES, Encoder, exact_wav_header
from voice.audio.pcm import RATE
from voice.engines.base import DeviceLost, Pcm


def render(work: Work, blocks: Generator[Pcm, None, None]) -> None:
    """Encode blocks at RATE and write them. A device that is lost meanwhile costs this worker its process."""
    samples = 0
    try:
        with Encoder(work.item.format) as encoder, closing(blocks):
            for pcm in blocks:
                samples += len(pcm)
                work.write(encoder.encode(pcm), seconds=len(pcm) / RATE)
            work.write(encoder.finish())
    except DeviceLost:
        departure.ask(Reason.DEVICE_LOST)
        raise
    if work.item.format == "wav":
        work.rewrite_start(exact_wav_header(samples * SAMPLE_BYTES))
