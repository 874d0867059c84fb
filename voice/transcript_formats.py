"""A transcript in the shapes that OpenAI's clients ask for."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from math import log
from typing import Any

from babel import Locale, UnknownLocaleError

from voice.ears.base import UNLIKELY
from voice.subtitles import srt, vtt
from voice.timing import Timed
from voice.transcripts import Reader

WORD, SEGMENT = "word", "segment"
JSON = "application/json"
TEXT = "text/plain; charset=utf-8"
ENGLISH = "english"
AUDIO_TOKENS_A_SECOND = 10
# as OpenAI's models hear
DIGITS = 4


@dataclass(frozen=True, slots=True)
class Shape:
    """How an answer is to be written."""

    format: str
    # json, text, srt, vtt or verbose_json
    granularities: Collection[str] = ()
    # of verbose_json
    probabilities: bool = False
    # of words; of json


def written(transcript: Reader, shape: Shape) -> tuple[str, str]:
    """The whole of it, and its media type."""
    match shape.format:
        case "text":
            return f"{transcript.text}\n", TEXT
        case "srt":
            return srt(_cues(transcript)), TEXT
        case "vtt":
            return vtt(_cues(transcript)), TEXT
        case "verbose_json":
            return json.dumps(_verbose(transcript, shape), ensure_ascii=False), JSON
        case _:
            told = {"text": transcript.text, "usage": _duration(transcript)}
            logprobs = {"logprobs": list(_logprobs(transcript.segments))} if shape.probabilities else {}
            return json.dumps({**told, **logprobs}, ensure_ascii=False), JSON


def events(segments: list[dict[str, Any]], shape: Shape) -> Iterator[dict[str, Any]]:
    """What is told of segments as soon as they are there. All deltas together are the text."""
    for segment in segments:
        logprobs = {"logprobs": list(_logprobs([segment]))} if shape.probabilities else {}
        yield {"type": "transcript.text.delta", "delta": " " * bool(segment["id"]) + segment["text"], **logprobs}
        if SEGMENT in shape.granularities or shape.format == "verbose_json":
            times = {"start": segment["start"], "end": segment["end"]}
            yield {"type": "transcript.text.segment", "id": str(segment["id"]), **times, "speaker": "", "text": segment["text"]}


def done(transcript: Reader, shape: Shape) -> dict[str, Any]:
    """The last event. A character counts as one output token; tokens of audio are OpenAI's, ten a second."""
    heard, told = round(transcript.duration * AUDIO_TOKENS_A_SECOND), len(transcript.text)
    usage = {
        "type": "tokens",
        "input_tokens": heard,
        "input_token_details": {"audio_tokens": heard, "text_tokens": 0},
        "output_tokens": told,
        "total_tokens": heard + told,
    }
    logprobs = {"logprobs": list(_logprobs(transcript.segments))} if shape.probabilities else {}
    return {"type": "transcript.text.done", "text": transcript.text, "usage": usage, **logprobs}


def _verbose(transcript: Reader, shape: Shape) -> dict[str, Any]:
    """Segments unless only words were asked for, as OpenAI has it."""
    asked = shape.granularities or {SEGMENT}
    words = [{name: word[name] for name in ("word", "start", "end")} for segment in transcript.segments for word in segment["words"]]
    segments = [{name: value for name, value in segment.items() if name != "words"} for segment in transcript.segments]
    return {
        "task": "translate" if transcript.translated else "transcribe",
        "language": ENGLISH if transcript.translated else _name(transcript.language),
        "duration": transcript.duration,
        "text": transcript.text,
        **({"segments": segments} if SEGMENT in asked else {}),
        **({"words": words} if WORD in asked else {}),
        "usage": _duration(transcript),
    }


def _duration(transcript: Reader) -> dict[str, Any]:
    return {"type": "duration", "seconds": transcript.duration}


def _cues(transcript: Reader) -> list[Timed]:
    return [Timed(segment["text"], segment["start"], segment["end"]) for segment in transcript.segments]


def _logprobs(segments: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """A word is a token here."""
    for segment in segments:
        for word in segment["words"]:
            logprob = round(log(max(word["confidence"], UNLIKELY)), DIGITS)
            yield {"token": word["word"], "bytes": list(word["word"].encode()), "logprob": logprob}


def _name(language: str) -> str:
    """A language as OpenAI calls it: "english"."""
    try:
        return (Locale.parse(language, sep="-").get_language_name("en") or language).lower()
    except (UnknownLocaleError, ValueError):
        return language
