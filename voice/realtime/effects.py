"""What a session wants done: `session.py` says what, the consumer does it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from voice.realtime.g711 import Format
from voice.realtime.responder import Prompt
from voice.realtime.settings import Transcription


@dataclass(frozen=True, slots=True)
class Send:
    """Tell the client."""

    event: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Sound:
    """Tell the client `event`, whose `delta` is this sound in the format that it wants."""

    event: dict[str, Any]
    pcm: bytes
    # 16 bit, mono, 24 kHz
    format: Format
    # that the client wants


@dataclass(frozen=True, slots=True)
class Transcribe:
    """Understand what was said; the answer is `Session.transcribed` or `not_transcribed`."""

    item_id: str
    audio: bytes
    format: Format
    settings: Transcription
    until_ms: int | None = None
    # of a turn that is not over: where this ends. The answer is `Session.glimpsed` or `not_glimpsed`


@dataclass(frozen=True, slots=True)
class Generate:
    """Let the responder answer: `Session.words`, `call`, and at the end `answered` or `unanswered`."""

    response_id: str
    prompt: Prompt


@dataclass(frozen=True, slots=True)
class Speak:
    """Let a piece be spoken: `Session.spoken`, and at the end `piece_spoken` or `unspoken`."""

    response_id: str
    piece: int
    text: str
    voice: str
    speed: float


@dataclass(frozen=True, slots=True)
class Stop:
    """Whatever is under way for a response is wanted no more."""

    response_id: str


@dataclass(frozen=True, slots=True)
class Close:
    code: int
    reason: str


Effect = Send | Sound | Transcribe | Generate | Speak | Stop | Close
