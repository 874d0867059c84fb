"""A bucket whose objects are read in ranges. django-storages' own files fetch all of an object before they give its first byte."""

from __future__ import annotations

import io
from typing import Any

from botocore.exceptions import ClientError
from storages.backends.s3 import S3File, S3Storage

PIECE = 1 << 20
# bytes worth a request
NOT_FOUND = 404
BEYOND = 416


class Bucket(S3Storage):  # type: ignore[misc]  # the library has no types
    def _open(self, name: str, mode: str = "rb") -> S3File:
        if mode != "rb":
            return super()._open(name, mode)
        try:
            return _Object(self._normalize_name(name), mode, self)
        except ClientError as error:
            if _status(error) == NOT_FOUND:
                raise FileNotFoundError(name) from None
            raise


class _Object(S3File):  # type: ignore[misc]
    """An object open for reading. Between two reads there is no connection that a slow reader could hold up."""

    DEFAULT_CHUNK_SIZE = PIECE
    _file: io.RawIOBase | None

    def _get_file(self) -> io.RawIOBase:
        if self._file is None:
            self._file = _Ranges(self.obj, self.size)
        return self._file

    file = property(_get_file, S3File._set_file)


class _Ranges(io.RawIOBase):
    """Each read is one request, for just the bytes that it asks for."""

    def __init__(self, source: Any, size: int) -> None:
        self._source = source
        # boto3's Object
        self._size = size
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._place = max(0, offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence])
        return self._place

    def readinto(self, buffer: Any) -> int:
        stop = min(self._place + len(buffer), self._size)
        if self._place >= stop:
            return 0
        try:
            data = self._source.get(Range=f"bytes={self._place}-{stop - 1}")["Body"].read()
        except ClientError as error:
            # removed, or cut short, since it was opened
            if _status(error) in (NOT_FOUND, BEYOND):
                return 0
            raise
        buffer[: len(data)] = data
        self._place += len(data)
        return len(data)


def _status(error: ClientError) -> int:
    return int(error.response["ResponseMetadata"]["HTTPStatusCode"])
