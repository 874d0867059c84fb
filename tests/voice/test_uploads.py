"""A form with a file of audio, as far as a web process looks at it."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile, TemporaryUploadedFile
from django.test import RequestFactory
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.views import APIView

from config.errors import Refusal
from tests.voice.audio.files import wav
from tests.voice.audio.sounds import sine
from voice.uploads import AudioForm, Purpose, bounds, display_name, file_of, look

SOUND = wav(sine(200).tobytes())
BOUNDARY = "frontier"
MIB = 1 << 20


class Taking(APIView):
    """Answers with what it was sent."""

    authentication_classes = []
    permission_classes = [AllowAny]
    parser_classes = [AudioForm]

    def post(self, request: Any) -> Response:
        file = file_of(request, "audio_sample")
        kind = type(file).__name__
        fields = {name: value for name, value in request.data.dict().items() if name not in request.FILES}
        return Response({"kind": kind, "name": file.name, "bytes": file.size, "container": look(file, Purpose.SAMPLE), "fields": fields})


def part(name: str, content: bytes, filename: str | None = None, headers: str = "") -> bytes:
    file = "" if filename is None else f'; filename="{filename}"'
    return f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n{headers}\r\n'.encode() + content + b"\r\n"


def post(*parts: bytes, media_type: str = f"multipart/form-data; boundary={BOUNDARY}", end: bytes = f"--{BOUNDARY}--\r\n".encode()) -> Any:
    response = Taking.as_view()(RequestFactory().post("/", b"".join(parts) + end, content_type=media_type))
    response.render()
    return response


def test_a_form_with_a_file_is_taken_and_the_file_is_never_in_memory():
    response = post(part("name", b"Anna"), part("audio_sample", SOUND, "x.mp3", "Content-Type: text/html\r\n"))

    assert response.status_code == 200, response.data
    assert response.data == {
        "kind": TemporaryUploadedFile.__name__,
        "name": "x.mp3",
        "bytes": len(SOUND),
        "container": "wav",
        "fields": {"name": "Anna"},
    }


@pytest.mark.parametrize(
    ("parts", "code", "param"),
    [
        ([], "missing_required_parameter", "audio_sample"),
        ([part("audio_sample", b"text")], "missing_required_parameter", "audio_sample"),
        ([part("file", SOUND, "x.wav")], "missing_required_parameter", "audio_sample"),
        ([part("audio_sample", SOUND, "x.wav"), part("audio_sample", SOUND, "y.wav")], "too_many_files", None),
        ([part("audio_sample", SOUND, "x.wav"), part("other", SOUND, "y.wav")], "too_many_files", None),
        ([part(f"f{n}", b"x") for n in range(10_000)], "too_many_fields", None),
        ([part("name", b"a"), part("name", b"b"), part("audio_sample", SOUND, "x.wav")], "invalid_request", "name"),
        ([part("name", b"a\0b"), part("audio_sample", SOUND, "x.wav")], "invalid_character", "name"),
        ([part("name\0", b"a"), part("audio_sample", SOUND, "x.wav")], "invalid_character", None),
        ([part("audio_sample", SOUND, "x.wav", "X-Long: " + "x" * MIB + "\r\n")], "invalid_request", None),
        ([part("audio_sample", b"text", "")], "missing_required_parameter", "audio_sample"),
        ([part("audio_sample", b"", "x.wav")], "empty_file", "file"),
    ],
    ids=[
        "nothing", "text for the file", "another name", "twice", "two files", "10,000 fields", "a field twice", "NUL in a value",
        "NUL in a name", "a header of 1 MiB", "no file name", "an empty file",
    ],
)  # fmt: skip
def test_a_form_that_is_not_right_is_refused(parts, code, param):
    response = post(*parts)

    assert response.status_code == 400, response.data
    assert (response.data["error"]["code"], response.data["error"]["param"]) == (code, param)


def test_a_list_has_a_field_for_each_of_its_members():
    words = [part("timestamp_granularities[]", each) for each in (b"word", b"segment")]

    assert post(*words, part("audio_sample", SOUND, "x.wav")).status_code == 200


@pytest.mark.parametrize("media_type", ["multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=other"])
def test_a_form_without_its_boundary_is_refused(media_type):
    assert post(part("audio_sample", SOUND, "x.wav"), media_type=media_type).status_code == 400


def test_a_form_that_ends_early_is_refused_or_taken_as_far_as_it_goes():
    assert post(part("audio_sample", SOUND, "x.wav")[:100], end=b"").status_code == 400


def test_what_is_no_form_is_refused():
    assert post(SOUND, media_type="audio/wav").status_code == 415


def looked(content: bytes, purpose: Purpose = Purpose.SOURCE) -> str | Refusal:
    try:
        return look(SimpleUploadedFile("x.wav", content), purpose)
    except Refusal as refusal:
        return refusal


@pytest.mark.parametrize(
    ("content", "code", "status"),
    [(b"", "empty_file", 400), (b"R", "audio_format_unsupported", 415), (b"<html>" * 100, "audio_format_unsupported", 415)],
)
def test_what_need_not_be_kept_is_refused_at_once(content, code, status):
    refusal = looked(content)

    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.status, refusal.param) == (code, status, "file")


def test_a_file_may_have_as_many_bytes_as_its_purpose_allows(settings):
    settings.MAX_UPLOAD_BYTES = 12 * MIB
    at_ten, at_twelve = (wav(bytes(size * MIB - 44)) for size in (10, 12))

    assert looked(at_ten, Purpose.SAMPLE) == looked(at_twelve, Purpose.SOURCE) == "wav"
    for content, purpose in ((at_ten, Purpose.SAMPLE), (at_ten, Purpose.CONSENT), (at_twelve, Purpose.SOURCE)):
        refusal = looked(content + b"\0", purpose)
        assert isinstance(refusal, Refusal)
        assert (refusal.code, refusal.status) == ("upload_too_large", 413)


def test_no_purpose_allows_more_than_the_operator_does(settings):
    settings.MAX_UPLOAD_BYTES, settings.MAX_UPLOAD_SECONDS = MIB, 77

    assert {bounds(purpose).bytes for purpose in Purpose} == {MIB}
    assert [bounds(purpose).longest for purpose in (Purpose.SAMPLE, Purpose.CONSENT, Purpose.SOURCE)] == [30, 60, 77]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("My voice.wav", "My voice.wav"),
        ("../../etc/passwd", "passwd"),
        ("/etc/x", "x"),
        ("..\\..\\x.wav", "x.wav"),
        ("..", ""),
        (".", ""),
        ("", ""),
        (None, ""),
        ("a\0b.wav", "ab.wav"),
        ("a\r\nSet-Cookie: b.wav", "a Set-Cookie: b.wav"),
        ("\u202ecod.exe\u2066", "cod.exe"),
        ("x" * 300 + ".wav", "x" * 100),
        ("Cafe\u0301.wav", "Café.wav"),
        ("-rf.wav", "-rf.wav"),
        ("\ud800.wav", "wav"),
    ],
)
def test_a_name_is_shown_as_one_clean_line(name, shown):
    assert display_name(name) == shown


def test_what_was_looked_at_is_read_from_its_beginning():
    upload = SimpleUploadedFile("x.wav", SOUND)

    look(upload, Purpose.SOURCE)

    assert upload.read() == SOUND
