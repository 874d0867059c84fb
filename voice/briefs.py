"""A brief: many texts in one request, as JSON or as an upload of CSV or JSON Lines."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator
from typing import IO, Annotated, Any, Literal

from django.core.files.uploadedfile import UploadedFile
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_core import PydanticCustomError

from config.errors import Refusal
from voice.requests import LONGEST_KEPT, LONGEST_NAME, Granularities, LexiconReference, VoiceName

MOST_ITEMS = 10_000
LONGEST_REF = 200
LONGEST_URL = 2000
HIGHEST_PRIORITY = 9
MOST_METADATA = 16
# OpenAI's own limits on metadata
LONGEST_METADATA_KEY = 64
LONGEST_METADATA_VALUE = 512
LISTS = frozenset({"timestamp_granularities"})
# fields that a form may have several of
MOST_REPORTED = 10
# lines of an upload that are named in the refusal
LONGEST_LINE = 1 << 20
# bytes of JSON Lines
UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")

_STRICT = ConfigDict(strict=True, extra="forbid", frozen=True)


class BadLines(Refusal):
    code = "invalid_line"

    def __init__(self, problems: list[str], *, more: bool) -> None:
        super().__init__(" ".join(problems) + (" There are more." if more else ""), param="file")


class UnknownFile(Refusal):
    status = 415
    code = "unsupported_media_type"

    def __init__(self) -> None:
        super().__init__("Upload CSV with a heading line (.csv), or JSON Lines (.jsonl).", param="file")


def _plain(text: str) -> str:
    if UNPRINTABLE.search(text):
        raise PydanticCustomError("invalid_character", "Control characters are not allowed here.")
    return text


Speed = Annotated[float, Field(ge=0.25, le=4.0, allow_inf_nan=False)]
Language = Annotated[str, Field(max_length=35)]
Plain = Annotated[str, AfterValidator(_plain)]


class BriefItem(BaseModel):
    """One text, or one output of yours that is to be converted or transcribed. What it leaves out is as the brief says."""

    model_config = _STRICT

    input: str
    source: str | None = Field(
        None, max_length=40, description="in place of input: the id of an output, for another voice to say, or to be transcribed"
    )
    ref: Annotated[Plain, Field(max_length=LONGEST_REF)] = ""
    voice: VoiceName | None = None
    language: Language | None = None
    speed: Speed | None = None
    normalize: bool | None = None
    lexicon: LexiconReference | None = None

    @model_validator(mode="before")
    @classmethod
    def _one(cls, item: Any) -> Any:
        if not isinstance(item, dict) or item.get("source") is None:
            return item
        if item.get("input"):
            raise PydanticCustomError("invalid_value", "An item has an 'input' or a 'source', not both.")
        return {**item, "input": ""}


class Brief(BaseModel):
    """What every item has in common."""

    model_config = _STRICT

    kind: Literal["speech", "conversion", "transcription"] | None = Field(
        None, description="what is made of the items; left out: speech of what has an input, conversion of what has a source"
    )
    voice: VoiceName | None = None
    model: str = Field("tts-1", min_length=1, max_length=LONGEST_NAME)
    response_format: Literal["mp3", "opus", "aac", "flac", "wav", "pcm"] = "mp3"
    language: Language | None = None
    speed: Speed = 1.0
    normalize: bool = Field(True, description="false: numbers, dates, money, abbreviations and the like are left to the voice's engine")
    lexicon: LexiconReference | None = None
    timestamp_granularities: Granularities = Field(default_factory=list)
    name: Plain = Field("", max_length=LONGEST_NAME)
    metadata: dict[Plain, Plain] = Field(default_factory=dict, max_length=MOST_METADATA)
    webhook_url: str | None = Field(None, max_length=LONGEST_URL, description="told when the job is over")
    priority: int = Field(0, ge=0, le=HIGHEST_PRIORITY, description="among your own jobs; the highest first")
    expires_after: int | None = Field(None, ge=60, le=LONGEST_KEPT, description="seconds that outputs are kept; else as the plan says")

    @field_validator("metadata")
    @classmethod
    def _short(cls, metadata: dict[str, str]) -> dict[str, str]:
        for key, value in metadata.items():
            if len(key) > LONGEST_METADATA_KEY or len(value) > LONGEST_METADATA_VALUE:
                raise PydanticCustomError(
                    "too_long",
                    "Keys of metadata have up to {key} characters, values up to {value}.",
                    {"key": LONGEST_METADATA_KEY, "value": LONGEST_METADATA_VALUE},
                )
        return metadata


class JobRequest(Brief):
    """`POST /v1/jobs` as JSON."""

    items: list[BriefItem] = Field(min_length=1, max_length=MOST_ITEMS)


class JobUpload(Brief):
    """`POST /v1/jobs` as a form: the same fields as text, `metadata` as a JSON object, and a file in place of the items."""

    model_config = ConfigDict(strict=False, extra="forbid", frozen=True)

    @field_validator("metadata", mode="before")
    @classmethod
    def _parsed(cls, value: Any) -> Any:
        try:
            return json.loads(value) if isinstance(value, str) else value
        except ValueError:
            raise PydanticCustomError("parse_error", "Metadata must be a JSON object.") from None


def uploaded(file: UploadedFile[Any]) -> list[BriefItem]:
    """The items of a file, read line by line. BadLines names the lines that are not right, UnknownFile a kind that is none."""
    name = (file.name or "").lower()
    if name.endswith(".csv"):
        lines = _csv_lines(file)
    elif name.endswith((".jsonl", ".ndjson")):
        lines = _json_lines(file)
    else:
        raise UnknownFile
    return _checked(lines)


def _checked(lines: Iterable[tuple[int, BriefItem | str]]) -> list[BriefItem]:
    items: list[BriefItem] = []
    problems: list[str] = []
    for number, found in lines:
        if isinstance(found, str):
            problems.append(f"Line {number}: {found}")
        else:
            items.append(found)
        if len(problems) > MOST_REPORTED:
            raise BadLines(problems[:MOST_REPORTED], more=True)
        if len(items) > MOST_ITEMS:
            raise Refusal(f"A brief has up to {MOST_ITEMS} items.", code="too_long", param="file")
    if problems:
        raise BadLines(problems, more=False)
    if not items:
        raise Refusal("The file has no items.", code="too_short", param="file")
    return items


def _csv_lines(file: IO[bytes]) -> Iterator[tuple[int, BriefItem | str]]:
    """Rows under a heading of BriefItem's field names; what is empty is left out. A byte order mark, as spreadsheets write, is read."""
    rows = csv.DictReader(io.TextIOWrapper(file, encoding="utf-8-sig", newline=""), strict=True)
    try:
        for row in rows:
            yield rows.line_num, _row(row)
    except UnicodeDecodeError:
        yield rows.line_num + 1, "This is not UTF-8."
    except csv.Error as error:
        yield rows.line_num, f"This is not CSV: {error}."


def _row(row: dict[str | Any, str | Any]) -> BriefItem | str:
    if None in row:
        return "There are more cells than columns."
    fields = {name: value for name, value in row.items() if value}
    try:
        return BriefItem.model_validate(fields, strict=False)
    except ValidationError as error:
        return _said(error)


def _json_lines(file: IO[bytes]) -> Iterator[tuple[int, BriefItem | str]]:
    number = 0
    while line := file.readline(LONGEST_LINE + 1):
        number += 1
        if len(line) > LONGEST_LINE:
            yield number, f"A line has up to {LONGEST_LINE} bytes."
            return
        if line.strip():
            try:
                yield number, BriefItem.model_validate_json(line)
            except ValidationError as error:
                yield number, _said(error)


def _said(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    field = ".".join(str(part) for part in first["loc"])
    return f"{field}: {first['msg']}." if field else f"{first['msg']}."
