"""The forms that have speech transcribed or translated, checked where they enter."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

from django.http import QueryDict
from pydantic import AfterValidator, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError
from rest_framework.request import Request

from accounts.serializers import Body
from voice.custom_requests import Tag
from voice.ears.base import Pauses
from voice.errors import SpeakersUnknown
from voice.requests import LONGEST_KEPT, LONGEST_NAME
from voice.text import forbidden_character
from voice.transcript_formats import WORD, Shape

LONGEST_PROMPT = 4096
LONGEST_KEYWORD = 200
MOST_KEYWORDS = 100
MOST_LANGUAGES = 20
LONGEST_PAUSE = 10_000
# milliseconds
MILLISECONDS = 1000
# in a second
LISTS = frozenset({"timestamp_granularities", "include", "languages", "keywords", "known_speaker_names", "known_speaker_references"})
# fields of a form that there may be several of
GROUP = "chunking_strategy"
# fields of it stand in brackets behind its name
AUTO = "auto"
STREAMED = ("json", "text", "verbose_json")


def _plain(text: str) -> str:
    if (character := forbidden_character(text)) is not None:
        raise PydanticCustomError("invalid_character", "The text holds {character}.", {"character": character})
    return text


Plain = Annotated[str, AfterValidator(_plain)]


class ServerVad(Body):
    """How speech is told from silence."""

    type: Literal["server_vad"]
    threshold: float | None = Field(None, ge=0, le=1, allow_inf_nan=False)
    prefix_padding_ms: int | None = Field(None, ge=0, le=LONGEST_PAUSE)
    silence_duration_ms: int | None = Field(None, ge=0, le=LONGEST_PAUSE)

    @property
    def pauses(self) -> Pauses:
        return Pauses(threshold=self.threshold, padding=_seconds(self.prefix_padding_ms), silence=_seconds(self.silence_duration_ms))


class TranslationRequest(Body):
    """OpenAI's `POST /v1/audio/translations` beside its file; what comes after `temperature` is of our own."""

    model: str = Field(min_length=1, max_length=LONGEST_NAME)
    prompt: Plain = Field(
        "", max_length=LONGEST_PROMPT, description="what was said before, or how words are written; not every model heeds it"
    )
    response_format: Literal["json", "text", "srt", "vtt", "verbose_json", "diarized_json"] = "json"
    temperature: float = Field(0.0, ge=0, le=1, allow_inf_nan=False)
    store: bool = Field(True, description="false: nothing is kept once it was sent")
    expires_after: int | None = Field(
        None, ge=60, le=LONGEST_KEPT, description="seconds that the transcript is kept; else as the plan says"
    )

    @field_validator("response_format")
    @classmethod
    def _without_speakers(cls, form: str) -> str:
        if form == "diarized_json":
            raise SpeakersUnknown("response_format")
        return form

    @property
    def shape(self) -> Shape:
        return Shape(self.response_format)


class TranscriptionRequest(TranslationRequest):
    """OpenAI's `POST /v1/audio/transcriptions` beside its file."""

    language: Tag | None = Field(None, description="BCP 47, of what is spoken; else it is found out")
    languages: list[Tag] = Field(default_factory=list, max_length=MOST_LANGUAGES, description="one of which is spoken")
    timestamp_granularities: list[Literal["word", "segment"]] = Field(default_factory=list, max_length=2)
    include: list[Literal["logprobs"]] = Field(default_factory=list, max_length=1)
    keywords: list[Annotated[Plain, Field(min_length=1, max_length=LONGEST_KEYWORD)]] = Field(
        default_factory=list, max_length=MOST_KEYWORDS
    )
    chunking_strategy: ServerVad | None = Field(None, description="how speech is told from silence; auto: as the model does best")
    known_speaker_names: list[str] = Field(default_factory=list, description="refused: nothing here tells speakers apart")
    known_speaker_references: list[str] = Field(default_factory=list, description="refused, as their names are")
    stream: bool = Field(False, description="true: segments come as server-sent events, as soon as each is understood")

    @field_validator("chunking_strategy", mode="before")
    @classmethod
    def _parsed(cls, value: Any) -> Any:
        """Some clients send the object as one field of JSON."""
        try:
            return None if value == AUTO else json.loads(value) if isinstance(value, str) else value
        except ValueError:
            raise PydanticCustomError("invalid_value", "chunking_strategy is 'auto' or an object.") from None

    @field_validator("known_speaker_names", "known_speaker_references")
    @classmethod
    def _nobody(cls, known: list[str]) -> list[str]:
        if known:
            raise SpeakersUnknown("known_speaker_names")
        return known

    @model_validator(mode="after")
    def _readable(self) -> Self:
        if self.stream and self.response_format not in STREAMED:
            raise PydanticCustomError("invalid_value", "'stream' needs a response_format of json, text or verbose_json.")
        return self

    @property
    def shape(self) -> Shape:
        return Shape(self.response_format, self.timestamp_granularities, "logprobs" in self.include)

    @property
    def words(self) -> bool:
        """Whether they are to be timed."""
        return WORD in self.timestamp_granularities or "logprobs" in self.include

    @property
    def spoken(self) -> tuple[str, ...]:
        """The languages that it may be in."""
        named = [self.language] if self.language else self.languages
        return tuple(tag.lower().replace("_", "-") for tag in named)

    @property
    def pauses(self) -> Pauses:
        return self.chunking_strategy.pauses if self.chunking_strategy else Pauses()


def form_fields(request: Request) -> dict[str, Any]:
    """What the form says beside its file: lists by names that end in brackets, or once without; objects by names with a key in brackets."""
    return dict(_fields(request.data, request.FILES)) if isinstance(request.data, QueryDict) else dict(request.data)


def _fields(form: QueryDict, files: Any) -> Iterator[tuple[str, Any]]:
    group = {name[len(GROUP) + 1 : -1]: form[name] for name in form if name.startswith(f"{GROUP}[") and name.endswith("]")}
    if group:
        yield GROUP, group
    for sent in form:
        name = sent.removesuffix("[]")
        if name in LISTS:
            yield name, form.getlist(sent)
        elif sent not in files and not (group and sent.startswith(f"{GROUP}[")):
            yield sent, form[sent]


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / MILLISECONDS
