"""JSON from outside, read strictly: UTF-8, one document, an object, bounded in size and depth, every string storable."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import IO, Any, NoReturn

from django.conf import settings
from django.http.request import UnreadablePostError
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.parsers import BaseParser

from config.errors import Refusal, TooLarge

DEEPEST = 32
BOM = b"\xef\xbb\xbf"


class Unparsable(Refusal):
    code = "parse_error"
    message = "The body is not valid JSON in UTF-8."


class TooDeep(Refusal):
    code = "too_deep"
    message = f"The JSON is nested deeper than {DEEPEST} levels."


class NotAnObject(Refusal):
    message = "The body must be a JSON object."


class InvalidCharacter(Refusal):
    code = "invalid_character"
    message = "A NUL character or half of a surrogate pair is not text."


class StrictJSONParser(BaseParser):
    """Raises a Refusal for whatever `json.loads` would let through and a database or an engine would choke on later.

    A view may name another bound of its body, in bytes, as `largest_body`.
    """

    media_type = "application/json"

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> dict[str, Any]:
        _check_charset(media_type or "")
        try:
            limit = getattr((parser_context or {}).get("view"), "largest_body", settings.MAX_BODY_BYTES)
            body = stream.read(limit + 1)
        except UnreadablePostError:
            raise Unparsable("The body ended early.") from None
        if len(body) > limit:
            raise TooLarge(f"The body is larger than {limit} bytes.")
        return parse_object(body)


def parse_object(body: bytes) -> dict[str, Any]:
    """The JSON object that `body` holds."""
    if body.startswith(BOM):
        raise Unparsable("The body starts with a byte order mark; send plain UTF-8.")
    try:
        document = json.loads(body.decode(), parse_constant=_no_constant, parse_float=_finite, object_pairs_hook=_distinct)
    except RecursionError:
        raise TooDeep from None
    except (UnicodeDecodeError, ValueError):
        raise Unparsable from None
    if not isinstance(document, dict):
        raise NotAnObject
    for key, value in document.items():
        for text in (key, *_strings(value)):
            if "\0" in text or not _encodable(text):
                raise InvalidCharacter(param=key if _encodable(key) and "\0" not in key else None)
    return document


def _check_charset(media_type: str) -> None:
    _, _, parameters = media_type.partition(";")
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset" and value.strip().strip('"').lower() not in {"utf-8", "utf8"}:
            raise UnsupportedMediaType(media_type)


def _no_constant(name: str) -> NoReturn:
    raise Unparsable(f"{name} is not JSON.")


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise Unparsable("A number is too large.")
    return number


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        raise Unparsable("An object names a field twice.")
    return result


def _strings(value: Any) -> Iterator[str]:
    """Every string in `value`, keys included. TooDeep beyond DEEPEST levels, counting the body's own."""
    waiting = [(value, 1)]
    while waiting:
        node, depth = waiting.pop()
        if isinstance(node, str):
            yield node
        elif isinstance(node, dict | list):
            if depth >= DEEPEST:
                raise TooDeep
            children = [*node.keys(), *node.values()] if isinstance(node, dict) else node
            waiting.extend((child, depth + 1) for child in children)


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
