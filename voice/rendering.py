"""Blocks of samples to an item's bytes, in the format that it asks for, written as they come."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import closing

from django.utils import timezone

from jobs import departure, tracing
from jobs.departure import Reason
from jobs.work import Work
from voice import metrics
from voice.audio.encode import SAMPLE_BYTES, Encoder, exact_wav_header
from voice.audio.pcm import RATE
from voice.engines.base import DeviceLost, Pcm


def render(work: Work, blocks: Generator[Pcm, None, None]) -> None:
    """Encode blocks at RATE and write them. A device that is lost meanwhile costs this worker its process."""
    samples = 0
    making, since = metrics.Busy(), timezone.now()
    rendering = time.perf_counter()
    try:
        with Encoder(work.item.format) as encoder, closing(blocks):
            for pcm in making.of(blocks):
                samples += len(pcm)
                work.write(encoder.encode(pcm), seconds=len(pcm) / RATE)
            work.write(encoder.finish())
    except DeviceLost:
        departure.ask(Reason.DEVICE_LOST)
        raise
    finally:
        metrics.worked(work.item.options, seconds=making.seconds, audio=samples / RATE)
        encoding = time.perf_counter() - rendering - making.seconds
        metrics.ENCODE_SECONDS.labels(work.item.format).inc(encoding)
        engine, model = metrics.maker(work.item.options)
        # they take turns, block by block: each lasts from the first to the last, and says for how long it was busy
        tracing.past("engine", since=since, engine=engine, model=model, busy_seconds=making.seconds, audio_seconds=samples / RATE)
        tracing.past("encode", since=since, format=work.item.format, busy_seconds=encoding)
    if work.item.format == "wav":
        work.rewrite_start(exact_wav_header(samples * SAMPLE_BYTES))
