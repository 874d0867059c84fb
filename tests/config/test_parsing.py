from __future__ import annotations

import io

import pytest
from rest_framework.exceptions import UnsupportedMediaType

from config.errors import Refusal
from config.parsing import StrictJSONParser, parse_object


def code_of(body: bytes) -> tuple[str, str | None]:
    with pytest.raises(Refusal) as refused:
        parse_object(body)
    return refused.value.code, refused.value.param


@pytest.mark.parametrize("body", [b"null", b'"x"', b"[1]", b"1", b"true"])
def test_a_body_that_is_no_object_is_refused(body):
    assert code_of(body) == ("invalid_request", None)


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b'{"a": 1,}',
        b'{"a": 1} {"b": 2}',
        b"{'a': 1}",
        b'{"a": "\xff"}',
        b'\xef\xbb\xbf{"a": 1}',
        '{"a": 1}'.encode("utf-16"),
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": -Infinity}',
        b'{"a": 1e999}',
        b'{"a": ' + b"1" * 5000 + b"}",
        b'{"a": 1, "a": 2}',
        b'{"b": {"a": 1, "a": 2}}',
        b'{"a": "\n"}',
    ],
)
def test_what_is_not_one_json_document_is_refused(body):
    assert code_of(body) == ("parse_error", None)


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"a": ' + b"[" * 3000 + b"]" * 3000 + b"}", b'{"a": ' * 40 + b"1" + b"}" * 40])
def test_what_is_nested_too_deeply_is_refused(body):
    assert code_of(body)[0] == "too_deep"


def test_what_is_nested_deeply_enough_is_taken():
    assert parse_object(b'{"a": ' * 31 + b"1" + b"}" * 31)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b'{"input": "a\\u0000"}', "input"),
        (b'{"input": "\\ud800"}', "input"),
        (b'{"meta": {"k": ["\\udfff"]}}', "meta"),
        (b'{"meta": {"\\u0000": 1}}', "meta"),
        (b'{"\\ud800": 1}', None),
    ],
)
def test_a_string_that_can_not_be_stored_is_refused(body, param):
    assert code_of(body) == ("invalid_character", param)


def test_a_pair_of_surrogates_is_a_character():
    assert parse_object(b'{"a": "\\ud83d\\ude00"}') == {"a": "😀"}


@pytest.mark.parametrize(
    "media_type", ["application/json; charset=utf-7", "application/json; charset=latin-1", 'application/json; charset="x"']
)
def test_another_charset_is_refused(media_type):
    with pytest.raises(UnsupportedMediaType):
        StrictJSONParser().parse(io.BytesIO(b"{}"), media_type)


def test_utf_8_may_be_named():
    assert StrictJSONParser().parse(io.BytesIO(b"{}"), 'application/json; charset="UTF-8"') == {}


def test_a_body_past_the_limit_is_refused(settings):
    settings.MAX_BODY_BYTES = 10

    with pytest.raises(Refusal) as refused:
        StrictJSONParser().parse(io.BytesIO(b'{"a": "0123456789"}'), "application/json")

    assert refused.value.status == 413
