"""What is counted of speech: engines, models, upstreams and live conversation."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Any, Self, TypeVar

from prometheus_client import Counter, Gauge, Histogram

from jobs.metrics import LATENCIES, NONE
from jobs.models import FALLBACK

FACTORS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1, 1.5, 3)
# seconds of work for a second of sound: beyond 1 nobody can listen along
LEGS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2.5, 5, 10)
# seconds

FIRST_BYTE = Histogram(
    "voice_speech_first_byte_seconds", "From a request to the first byte of what it asks for.", ["engine", "model"], buckets=LATENCIES
)
ENGINE_SECONDS = Counter("voice_engine_seconds_total", "Seconds that engines worked, text and resampling included.", ["engine", "model"])
AUDIO_SECONDS = Counter("voice_engine_audio_seconds_total", "Seconds of sound that they made or understood.", ["engine", "model"])
ENCODE_SECONDS = Counter("voice_encode_seconds_total", "Seconds that encoding and writing of sound took.", ["format"])
FACTOR = Histogram(
    "voice_engine_real_time_factor", "Seconds of an engine's work for a second of sound.", ["engine", "model"], buckets=FACTORS
)
BATCH_SIZE = Histogram(
    "voice_engine_batch_size", "Sentences that an accelerator made together.", buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256)
)

SESSIONS = Gauge("voice_live_sessions_open", "Live sessions that this process holds.")
SESSIONS_BEGUN = Counter("voice_live_sessions_begun_total", "Live sessions that were begun, or taken up again.", ["kind", "dialect", "how"])
SESSIONS_ENDED = Counter("voice_live_sessions_ended_total", "Connections of live sessions that ended, by why.", ["reason"])
TURN_LEG = Histogram(
    "voice_turn_leg_seconds",
    "From the end of a person's speech to its transcript, the first word and the first sound.",
    ["leg"],
    buckets=LEGS,
)
INTERRUPTIONS = Counter("voice_live_interruptions_total", "Answers that somebody spoke over.")

TRANSCRIPT, FIRST_WORD, FIRST_AUDIO = "transcript", "first_word", "first_audio"
BEGUN, RESUMED = "begun", "resumed"

for _leg in (TRANSCRIPT, FIRST_WORD, FIRST_AUDIO):
    TURN_LEG.labels(_leg)

T = TypeVar("T")


class Busy:
    """Seconds that it took to make what an iterable gives, without those in which nobody asked for more; also those of a `with`."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __enter__(self) -> Self:
        self._entered = time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds += time.perf_counter() - self._entered

    def of(self, made: Iterable[T]) -> Iterator[T]:
        each = iter(made)
        while True:
            try:
                with self:
                    one = next(each)
            except StopIteration:
                return
            yield one


def maker(options: dict[str, Any]) -> tuple[str, str]:
    """The engine and the model that made something, as labels."""
    made_by = options.get(FALLBACK, options)
    return made_by.get("engine") or NONE, made_by.get("model") or NONE


def worked(options: dict[str, Any], *, seconds: float, audio: float) -> None:
    """So many seconds of an engine's work came to so many of sound."""
    labels = maker(options)
    ENGINE_SECONDS.labels(*labels).inc(seconds)
    AUDIO_SECONDS.labels(*labels).inc(audio)
    if audio > 0:
        FACTOR.labels(*labels).observe(seconds / audio)
