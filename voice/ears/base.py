"""What a transcriber is: a class with one verb, in one file, the only importer of its library."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Protocol

from voice.engines.base import Pcm


class Transcriber(Protocol):
    """Constructing one raises EngineUnavailable where its library is missing. Instances are used from several threads at once."""

    languages: ClassVar[tuple[str, ...]]
    # BCP 47 in lower case; a tag stands for all that are narrower

    def transcribe(self, pcm: Pcm, *, check: Callable[[], None]) -> str:
        """The words of samples at 24 kHz. `check` is called now and then, and may raise; EngineFailed when it broke."""
        ...
