"""Audio that comes with a request, looked at before anything of it is kept. What it holds is for a worker to find out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import IO, Any

from django.conf import settings
from django.core.exceptions import TooManyFieldsSent, TooManyFilesSent
from django.core.files.uploadedfile import UploadedFile
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request

from config.errors import Refusal
from voice.audio.containers import container_of
from voice.audio.errors import AudioFormatUnsupported, EmptyFile, UploadTooLarge

LARGEST_RECORDING = 10 << 20
# bytes of a sample or a consent
LIST = "[]"
# at the end of a field's name: it may be there any number of times


class Purpose(StrEnum):
    SAMPLE = "sample"
    # of a voice that is to be cloned
    CONSENT = "consent"
    # of whoever has that voice
    SOURCE = "source"
    # of a conversion or a transcription


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much of it there may be."""

    bytes: int
    shortest: float
    longest: float
    # seconds


def bounds(purpose: Purpose) -> Bounds:
    recording = min(LARGEST_RECORDING, settings.MAX_UPLOAD_BYTES)
    match purpose:
        case Purpose.SAMPLE:
            # what is too short for a sample, but not for audio, is told so when the sample is judged
            return Bounds(recording, 0.1, 30)
        case Purpose.CONSENT:
            return Bounds(recording, 1, 60)
        case Purpose.SOURCE:
            return Bounds(settings.MAX_UPLOAD_BYTES, 0.1, settings.MAX_UPLOAD_SECONDS)


class AudioForm(MultiPartParser):
    """A form with one file. Whatever else is wrong with it is a Refusal with status 400."""

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> Any:
        try:
            form = super().parse(stream, media_type, parser_context)
        except TooManyFilesSent:
            raise Refusal("Send one file only.", code="too_many_files") from None
        except TooManyFieldsSent:
            raise Refusal("The form has too many fields.", code="too_many_fields") from None
        for name, values in form.data.lists():
            if len(values) > 1 and not name.endswith(LIST):
                raise Refusal("The form names a field twice.", param=None if "\0" in name else name)
            if any("\0" in text for text in (name, *values)):
                raise Refusal("A NUL character is not text.", code="invalid_character", param=None if "\0" in name else name)
        return form


def file_of(request: Request, name: str) -> UploadedFile[Any]:
    """The file that the request's form has under this name, and no other."""
    if set(request.FILES) != {name}:
        raise Refusal(f"Send one file, as '{name}'.", code="missing_required_parameter", param=name)
    file: UploadedFile[Any] = request.FILES[name]
    return file


def look(upload: UploadedFile[Any], purpose: Purpose) -> str:
    """The container of an upload, of DEMUXERS. UploadTooLarge, EmptyFile or AudioFormatUnsupported for what need not be kept."""
    largest = bounds(purpose).bytes
    size = upload.size or 0
    if size > largest:
        raise UploadTooLarge(f"The file has {size} bytes; at most {largest} are taken here.")
    if not size:
        raise EmptyFile
    container = container_of(opened(upload))
    if container is None:
        raise AudioFormatUnsupported
    return container


def opened(upload: UploadedFile[Any]) -> IO[bytes]:
    """The temporary file itself."""
    if upload.file is None:
        raise EmptyFile
    return upload.file
