"""What a transcriber is: a class with one verb, in one file, the only importer of its library."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Generator
from dataclasses import dataclass
from math import exp, log
from typing import ClassVar, Protocol

from config.errors import Refusal
from voice.engines.base import Pcm, Source

UNLIKELY = 1e-6
# a confidence has a logarithm


class EarFailed(Refusal):
    """The transcriber broke while it listened, in a way that a second attempt may not repeat."""

    status = 500
    code = "engine_failed"
    type = "server_error"
    message = "The transcriber failed."
    transient = True


@dataclass(frozen=True, slots=True)
class Word:
    text: str
    start: float
    end: float
    # seconds of the recording
    confidence: float
    # 0 to 1


@dataclass(frozen=True, slots=True)
class Segment:
    """What is said between two pauses."""

    text: str
    start: float
    end: float
    # seconds of the recording
    words: tuple[Word, ...] = ()
    # none where they were not asked for
    confidence: float = 1.0
    # 0 to 1, the mean of its tokens by their logarithm
    silence: float = 0.0
    # how likely it is that nobody speaks
    temperature: float = 0.0
    # at which it was decoded
    tokens: tuple[int, ...] = ()
    # as the model numbers them

    @property
    def compression(self) -> float:
        """How often it repeats itself: bytes of the text to bytes of it compressed. Above 2.4 it is likely to be invented."""
        data = self.text.encode()
        return len(data) / len(zlib.compress(data))


@dataclass(frozen=True, slots=True)
class Pauses:
    """How speech is told from silence; what is left out is as the transcriber does best."""

    threshold: float | None = None
    # 0 to 1: how sure it must be that somebody speaks
    padding: float | None = None
    # seconds around speech that are heard with it
    silence: float | None = None
    # seconds without speech after which a stretch of it is over


@dataclass(frozen=True, slots=True)
class Wanted:
    """How a recording is to be understood."""

    languages: tuple[str, ...] = ()
    # BCP 47 in lower case, one of which is spoken; none: whichever it is
    prompt: str = ""
    # what was said before, or how words are written
    keywords: tuple[str, ...] = ()
    # that are likely
    temperature: float = 0.0
    words: bool = False
    # time each
    translate: bool = False
    # into English
    pauses: Pauses = Pauses()
    model: Source | None = None
    # for a transcriber that loads models


@dataclass(frozen=True, slots=True)
class Transcript:
    language: str
    # BCP 47 in lower case, of what is spoken
    segments: Generator[Segment, None, None]
    # each as soon as it is understood; closing it frees what it holds


class Transcriber(Protocol):
    """Constructing one raises EngineUnavailable where its library is missing. Instances are used from several threads at once."""

    name: ClassVar[str]
    languages: ClassVar[tuple[str, ...]]
    # BCP 47 in lower case; a tag stands for all that are narrower. None: each of its models has its own
    translates: ClassVar[bool]

    def transcribe(self, pcm: Pcm, wanted: Wanted, *, check: Callable[[], None]) -> Transcript:
        """What is said in samples at 24 kHz; silence is no segment. `check` is called now and then, and may raise.

        EarFailed when it broke, EngineBusy when what it needs is taken.
        """
        ...


def mean(confidences: list[float]) -> float:
    """By their logarithm: one word that is a guess weighs as much as it should."""
    return exp(sum(log(max(one, UNLIKELY)) for one in confidences) / len(confidences)) if confidences else 0.0
