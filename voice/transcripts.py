"""What was understood, as the JSON that is kept of it. It is written while it comes: a line for each segment, so that whoever follows can
read each as soon as it is there, and all lines together are one document."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from math import log
from typing import Any

from voice.ears.base import UNLIKELY, Segment, Word

DIGITS = 3
# of a second
FINE = 4
# digits of what is likely


class Writer:
    """The lines of a transcript, as bytes."""

    def __init__(self) -> None:
        self._texts: list[str] = []

    def begin(self, *, language: str, translated: bool, duration: float) -> bytes:
        """`language` is the one that is spoken; `duration` is in seconds."""
        task = "translate" if translated else "transcribe"
        head = {"object": "transcription", "task": task, "language": language, "duration": round(duration, DIGITS)}
        return f'{_json(head)[:-1]},"segments":[\n'.encode()

    def add(self, segment: Segment) -> bytes:
        line = ("," if self._texts else "") + _json({"id": len(self._texts), **_row(segment)})
        self._texts.append(segment.text)
        return f"{line}\n".encode()

    def end(self) -> bytes:
        return f'],"text":{_json(" ".join(self._texts))}}}\n'.encode()


@dataclass(slots=True)
class Reader:
    """A transcript that is read while it is written."""

    language: str = ""
    translated: bool = False
    duration: float = 0.0
    # seconds
    text: str = ""
    # once all of it is there
    segments: list[dict[str, Any]] = field(default_factory=list)
    whole: bool = False
    # its last line was read
    _rest: bytes = b""
    _begun: bool = False

    def push(self, data: bytes) -> list[dict[str, Any]]:
        """The segments that are whole now and were not before."""
        known = len(self.segments)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._line(line.decode())
        return self.segments[known:]

    def _line(self, line: str) -> None:
        if not self._begun:
            head = json.loads(f"{line}]}}")
            self._begun = True
            self.language, self.translated, self.duration = head["language"], head["task"] == "translate", head["duration"]
        elif line.startswith("]"):
            self.text = json.loads(f'{{"segments":[{line}')["text"]
            self.whole = True
        else:
            self.segments.append(json.loads(line.removeprefix(",")))


def _row(segment: Segment) -> dict[str, Any]:
    """As OpenAI describes a segment; of a word the confidence is added."""
    return {
        "seek": 0,
        "start": round(segment.start, DIGITS),
        "end": round(segment.end, DIGITS),
        "text": segment.text,
        "tokens": list(segment.tokens),
        "temperature": segment.temperature,
        "avg_logprob": _logarithm(segment.confidence),
        "compression_ratio": round(segment.compression, FINE),
        "no_speech_prob": round(segment.silence, FINE),
        "words": [_word(word) for word in segment.words],
    }


def _word(word: Word) -> dict[str, Any]:
    times = {"start": round(word.start, DIGITS), "end": round(word.end, DIGITS)}
    return {"word": word.text, **times, "confidence": round(word.confidence, FINE)}


def _logarithm(probability: float) -> float:
    return round(log(max(probability, UNLIKELY)), FINE)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
