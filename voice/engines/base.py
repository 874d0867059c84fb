"""What a speech engine is: a class with one verb, in one file, the only importer of its library.

An engine knows nothing of users, jobs or HTTP, and imports neither Django, Channels nor Dramatiq.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from config.errors import Refusal
from voice.text.alignment import Pronunciation

Pcm = NDArray[np.int16]
"""Mono samples, dtype int16, shape (samples,)."""

Gender = Literal["female", "male", "neutral"]


class EngineUnavailable(Exception):
    """The engine's library or data is not on this machine. The message says what to install."""


class UnsupportedText(Refusal):
    """The text holds nothing that this engine can speak."""

    code = "unsupported_text"
    message = "This voice can't speak the text."

    # the same text will not become speakable on a retry, hence not transient


class EngineBusy(Refusal):
    """What the engine needs is taken, for longer than it waits."""

    status = 503
    code = "overloaded"
    type = "server_error"
    message = "The model is busy. Try again in a moment."
    transient = True


class ModelBroken(Refusal):
    """The model can't be loaded. The reason is for the log and the operator: it may name files."""

    status = 500
    code = "model_unavailable"
    type = "server_error"
    message = "The model can't be loaded. The operator finds the reason with `manage.py models check`."

    def __init__(self, reason: str) -> None:
        super().__init__(reason=reason)


class DeviceLost(Refusal):
    """The accelerator no longer answers this process, whose end is the only cure."""

    status = 503
    code = "device_lost"
    type = "server_error"
    message = "The worker's device failed. Another worker takes over."
    transient = True


class EngineFailed(Refusal):
    """The engine broke while it spoke, in a way that a second attempt may not repeat."""

    status = 500
    code = "engine_failed"
    type = "server_error"
    message = "The speech engine failed."
    transient = True


@dataclass(frozen=True, slots=True)
class Speaker:
    """A stock voice of an engine."""

    name: str
    # unique among the stock voices of all engines, and what a caller writes as `voice`: "slt", "espeak-de", "tone"
    languages: tuple[str, ...]
    # BCP 47 in lower case, the main one first: ("en-us", "en")
    rate: int
    # Hz of the blocks that `synthesize` yields for this voice
    gender: Gender = "neutral"
    description: str = ""
    model: str = ""
    # whose voice it is, where the engine has several; empty: the engine is the model


@dataclass(frozen=True, slots=True)
class Source:
    """A model that an engine loads, as the operator registered it."""

    name: str
    location: str
    # a name in the engine's zoo, or a folder on this machine


@dataclass(frozen=True, slots=True)
class Reference:
    """Whom a model that clones is to sound like."""

    key: str
    # names the voice and its version: the same key, the same recordings
    recordings: Callable[[], Sequence[Pcm]]
    # at 24,000 Hz; asked for only where nothing is kept under the key
    folder: Path
    # where what was computed from them is kept


@dataclass(frozen=True, slots=True)
class Mark:
    """When a stretch of an utterance's text is said: a word, several, or a part of one."""

    start: int
    end: int
    # in characters
    at: float
    until: float
    # in seconds from the utterance's first sample

    def moment(self, character: int) -> float:
        """When a character is said, as if all took the same time."""
        share = (character - self.start) / (self.end - self.start)
        return self.at + (self.until - self.at) * min(max(share, 0.0), 1.0)


@dataclass(frozen=True, slots=True)
class Utterance:
    """One piece of text to speak: a sentence, or the whole text for a verbatim engine."""

    text: str
    speaker: str
    # a `Speaker.name` of this engine
    language: str
    # BCP 47 in lower case
    speed: float = 1.0
    # 1.0 is the voice's own pace, 2.0 twice as fast
    seed: int | None = None
    # the same one, the same samples, where the engine can
    instructions: str = ""
    # how it is to be said, in words; for an upstream, engines of our own take none
    model: Source | None = None
    # for an engine that loads models
    reference: Reference | None = None
    # for a voice that is cloned
    urgent: bool = False
    # somebody is listening
    pronunciations: tuple[Pronunciation, ...] = ()
    # how stretches of the text are to sound, in order; for an engine that is phonetic
    mark: Callable[[Mark], object] | None = None
    # told what is said when, in order, by the end of the last block; for an engine that is timed


class Synthesizer(Protocol):
    """Text in, a stream of PCM blocks out.

    Constructing one raises EngineUnavailable where its library is missing. Instances are used from several threads at once; one
    that can't be locks itself. Closing the generator between two blocks cancels the utterance and frees what it holds.
    """

    name: ClassVar[str]
    speeds: ClassVar[tuple[float, float]]
    # the slowest and the fastest `Utterance.speed` it takes
    verbatim: ClassVar[bool]
    # True: the whole text goes in as it is, unnormalised and unsplit, and the samples come out untouched
    phonetic: ClassVar[bool] = False
    # True: it reads IPA
    timed: ClassVar[bool] = False
    # True: it calls `Utterance.mark`; of an engine that loads models, its description of each says so

    def speakers(self) -> Sequence[Speaker]: ...

    def rate(self, utterance: Utterance) -> int:
        """Hz of the blocks that come of an utterance."""
        return next(speaker.rate for speaker in self.speakers() if speaker.name == utterance.speaker)

    def synthesize(self, utterance: Utterance) -> Generator[Pcm, None, None]: ...
