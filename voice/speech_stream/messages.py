"""What a client may say on the socket, checked where it enters."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import from_json

from config.errors import Refusal
from voice.errors import InvalidCharacter
from voice.requests import LARGEST_SEED, LONGEST_NAME, Granularities, LexiconReference, VoiceName
from voice.text import forbidden_character
from voice.timing import ASKED

SHOWN = 40
# characters of a field's name that a refusal repeats
CODES = {
    "missing": "missing_required_parameter",
    "extra_forbidden": "unknown_field",
    "greater_than_equal": "out_of_range",
    "less_than_equal": "out_of_range",
    "string_too_long": "too_long",
    "string_too_short": "too_short",
    "too_long": "too_long",
}
NAMES = {"input": "text", ASKED: "timestamps"}


class _Message(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Start(_Message):
    """Who speaks, and how, for as long as the socket is open."""

    type: Literal["session.start"]
    voice: VoiceName
    model: str | None = Field(None, min_length=1, max_length=LONGEST_NAME)
    language: str | None = Field(None, max_length=35)
    speed: float = Field(1.0, ge=0.25, le=4.0, allow_inf_nan=False)
    seed: int | None = Field(None, ge=0, le=LARGEST_SEED)
    format: Literal["pcm", "mp3", "opus", "aac", "flac", "wav"] = "pcm"
    lexicon: LexiconReference | None = None
    normalize: bool = True
    timestamps: Granularities = Field(default_factory=list)


class Append(_Message):
    type: Literal["text.append"]
    text: str


class Flush(_Message):
    """Speak what is held now."""

    type: Literal["text.flush"]


class Cancel(_Message):
    """Stop what is being spoken, and forget what is held."""

    type: Literal["speech.cancel"]


class End(_Message):
    """Speak the rest, and close."""

    type: Literal["session.end"]


Message = Start | Append | Flush | Cancel | End

KINDS: dict[str, type[Message]] = {
    "session.start": Start,
    "text.append": Append,
    "text.flush": Flush,
    "speech.cancel": Cancel,
    "session.end": End,
}


def understood(text: str) -> Message:
    """A Refusal for what is no message of these."""
    try:
        sent = from_json(text, allow_inf_nan=False)
    except ValueError:
        raise Refusal("A message must be a JSON object.", code="parse_error") from None
    if not isinstance(sent, dict):
        raise Refusal("A message must be a JSON object.")
    kind = sent.get("type")
    if not isinstance(kind, str) or kind not in KINDS:
        raise Refusal(f"'type' must be one of {', '.join(KINDS)}.", code="invalid_value", param="type")
    try:
        message = KINDS[kind].model_validate(sent)
    except ValidationError as error:
        raise _invalid(error) from None
    if isinstance(message, Append) and (character := forbidden_character(message.text)) is not None:
        raise named_here(InvalidCharacter(character))
    return message


def named_here(refusal: Refusal) -> Refusal:
    """Of what a REST call names otherwise, the field as it is called here."""
    refusal.param = NAMES.get(refusal.param, refusal.param) if refusal.param else None
    return refusal


def _invalid(error: ValidationError) -> Refusal:
    first = error.errors(include_url=False)[0]
    kind = first["type"]
    code = CODES.get(kind) or ("invalid_type" if kind.endswith("_type") else "invalid_value")
    return Refusal(f"{first['msg']}.", code=code, param=str(first["loc"][0])[:SHOWN] if first["loc"] else None)
