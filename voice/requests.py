"""The bodies that clients send, checked where they enter."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError
from rest_framework.request import Request

LONGEST_NAME = 200
LONGEST_INSTRUCTIONS = 4096
LARGEST_SEED = 2**63 - 1
LONGEST_LEXICON = 60
LONGEST_KEPT = 10 * 365 * 86_400
# seconds, ten years


def _id_of(value: Any) -> Any:
    """`{"id": "voice_…"}` is how newer clients name a custom voice."""
    return value["id"] if isinstance(value, dict) and set(value) == {"id"} else value


VoiceName = Annotated[
    str,
    Field(min_length=1, max_length=LONGEST_NAME),
    BeforeValidator(_id_of),
    WithJsonSchema(
        {
            "oneOf": [
                {"type": "string"},
                {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"], "additionalProperties": False},
            ]
        }
    ),
]


LexiconReference = Annotated[
    str,
    Field(min_length=1, max_length=LONGEST_LEXICON, description="id of a lexicon of yours, or id@version; else its newest version"),
]


Granularities = Annotated[
    list[Literal["word", "sentence"]],
    Field(max_length=2, description="what is to be timed, for GET /v1/outputs/{id}/timestamps; not every model can tell words"),
]


class SpeechRequest(BaseModel):
    """OpenAI's `POST /v1/audio/speech`; what comes after `stream_format` is of our own."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    model: str = Field(min_length=1, max_length=LONGEST_NAME)
    input: str
    voice: VoiceName
    response_format: Literal["mp3", "opus", "aac", "flac", "wav", "pcm"] = "mp3"
    speed: float = Field(1.0, ge=0.25, le=4.0, allow_inf_nan=False)
    instructions: str | None = Field(None, max_length=LONGEST_INSTRUCTIONS)
    stream_format: Literal["audio", "sse"] | None = None
    language: str | None = Field(None, max_length=35, description="BCP 47; the voice's own when left out")
    seed: int | None = Field(None, ge=0, le=LARGEST_SEED)
    store: bool = Field(True, description="false: nothing is kept once it was sent")
    expires_after: int | None = Field(None, ge=60, le=LONGEST_KEPT, description="seconds that the output is kept; else as the plan says")
    normalize: bool = Field(True, description="false: numbers, dates, money, abbreviations and the like are left to the voice's engine")
    lexicon: LexiconReference | None = None
    timestamp_granularities: Granularities = Field(default_factory=list)
    resume: bool = Field(
        False, description="true: a client that loses its connection lets the work go on, and fetches the rest from the output's content"
    )

    @model_validator(mode="after")
    def _resumable(self) -> Self:
        if self.resume and not self.store:
            raise PydanticCustomError("invalid_value", "'resume' needs 'store': what is not kept can't be fetched later.")
        return self

    @model_validator(mode="after")
    def _told(self) -> Self:
        if self.timestamp_granularities and not self.store and self.stream_format != "sse":
            message = "'timestamp_granularities' needs 'store', or 'stream_format': 'sse', whose last event has them."
            raise PydanticCustomError("invalid_value", message)
        return self


class PreviewRequest(BaseModel):
    """How a text would be read, before it is spoken."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    input: str
    voice: VoiceName
    language: str | None = Field(None, max_length=35, description="BCP 47; the voice's own when left out")
    normalize: bool = True
    lexicon: LexiconReference | None = None


def wants_fresh(request: Request) -> bool:
    """Whether the caller wants it made anew, stored or not."""
    return "no-cache" in request.headers.get("Cache-Control", "").lower()
