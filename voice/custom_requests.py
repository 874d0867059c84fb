"""The forms that make voices of one's own, checked where they enter."""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError
from rest_framework.request import Request

from accounts.serializers import Body
from voice.errors import UnsupportedVoiceType
from voice.requests import LONGEST_NAME as LONGEST_MODEL

LONGEST_LABEL = 100
LANGUAGE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{1,8}){0,4}", re.ASCII)
PROMPT = "prompt"
# OpenAI's other type of voice, made of words


def _trimmed(value: Any) -> Any:
    return unicodedata.normalize("NFC", value).strip() if isinstance(value, str) else value


def _one_line(text: str) -> str:
    """Control characters, and those that turn the direction of what follows, are in no name; halves of surrogate pairs in no text."""
    if any(unicodedata.category(character).startswith("C") for character in text):
        raise PydanticCustomError("invalid_character", "A name is one line without control characters.")
    return text


def _tag(text: str) -> str:
    if not LANGUAGE.fullmatch(text):
        raise PydanticCustomError("invalid_value", "Give a BCP 47 tag such as 'en' or 'en-US'.")
    return text


Label = Annotated[str, Field(min_length=1, max_length=LONGEST_LABEL), BeforeValidator(_trimmed), AfterValidator(_one_line)]
Tag = Annotated[str, Field(max_length=35), AfterValidator(_tag)]


class NewConsent(Body):
    name: Label
    language: Tag = Field(description="BCP 47, of the phrase that is read")


class ConsentChange(Body):
    name: Label


class VoiceChange(Body):
    name: Label


class NewVoice(Body):
    name: Label
    consent: str = Field(min_length=1, max_length=40, description="id of a consent that is approved")
    type: Literal["audio_sample"] = "audio_sample"
    model: str | None = Field(None, max_length=LONGEST_MODEL, description="one that clones; the operator's first where it is left out")


class NewSample(Body):
    pass


def new_voice(request: Request) -> NewVoice:
    """What the form asks for. UnsupportedVoiceType for a voice that is to be made of a prompt, whatever else it has."""
    fields = fields_of(request)
    if fields.get("type") == PROMPT:
        raise UnsupportedVoiceType
    return NewVoice.model_validate(fields)


def fields_of(request: Request) -> dict[str, Any]:
    """What a form, or a JSON object, says beside its file."""
    data: Any = request.data
    return {name: data[name] for name in data if name not in request.FILES}


def form_with(model: type[Body], file: str) -> dict[str, Any]:
    """How `/openapi.json` describes a form of these fields and a file."""
    schema = model.model_json_schema()
    schema = _inlined(schema, schema.pop("$defs", {}))
    schema["properties"][file] = {"type": "string", "format": "binary"}
    schema["required"] = [*schema.get("required", []), file]
    return {"multipart/form-data": schema}


def _inlined(schema: Any, definitions: dict[str, Any]) -> Any:
    """With what it refers to in its place: a form's schema is not where references lead."""
    if isinstance(schema, list):
        return [_inlined(part, definitions) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _inlined(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    return {name: _inlined(part, definitions) for name, part in schema.items()}
