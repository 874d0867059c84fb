"""A stored output's bytes over HTTP: whole, or the range that was asked for."""

from __future__ import annotations

import re
from urllib.parse import quote

from django.conf import settings
from django.core.files.storage import default_storage
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.cache import get_conditional_response
from django.utils.http import content_disposition_header

from accounts.limits import from_proxy
from config.errors import Refusal
from jobs.errors import Gone
from jobs.following import follow
from jobs.models import Blob, Item, Output
from jobs.reading import exists, read_file

VERY_LARGE = 2**53 - 1
# the largest whole number that every client can hold
ONE_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)


class RangeNotSatisfiable(Refusal):
    status = 416
    code = "range_not_satisfiable"
    message = "The range lies outside of the output."


def content(request: HttpRequest, output: Output) -> HttpResponseBase:
    """The answer to a GET or HEAD for the bytes of an output."""
    return stored(request, output.blob, filename=output.filename, media_type=output.media_type)


def stored(request: HttpRequest, blob: Blob, *, filename: str, media_type: str) -> HttpResponseBase:
    """The answer to a GET or HEAD for the bytes (RFC 9110: ETag, If-None-Match, Range, If-Range)."""
    if not exists(blob.pk):
        raise Gone("The output's file is no longer there.")
    etag = f'"{blob.sha256}"'
    unchanged = get_conditional_response(request, etag=etag)
    if unchanged is not None:
        return unchanged
    asked = request.headers.get("Range") if request.headers.get("If-Range", etag) == etag else None
    start, stop = _span(asked, blob.bytes)
    partial = (start, stop) != (0, blob.bytes)
    headers = {
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-store",
        "Content-Disposition": content_disposition_header(as_attachment=True, filename=filename) or "",
        "Content-Length": str(stop - start),
        "ETag": etag,
    }
    if partial:
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{blob.bytes}"
    status = 206 if partial else 200
    if request.method == "HEAD":
        return HttpResponse(content_type=media_type, headers=headers, status=status)
    if settings.ACCEL_PREFIX and from_proxy(request.META.get("REMOTE_ADDR", "")) and _for_the_proxy(request, partial):
        return _handed_over(blob, media_type, headers)
    body = read_file(default_storage, blob.pk, start, stop)
    return StreamingHttpResponse(body, content_type=media_type, headers=headers, status=status)


def being_made(request: HttpRequest, item: Item) -> HttpResponseBase:
    """The answer while the output is still being made: the bytes as they come, from the first one asked for.

    Where they end is not known yet. RFC 8673 has a range of that kind end at a very large number.
    """
    match = ONE_RANGE.fullmatch(request.headers.get("Range", "").strip())
    start = int(match[1]) if match and match[1] and not match[2] else 0
    headers = {
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-store",
        "Content-Disposition": content_disposition_header(as_attachment=True, filename=f"{item.output_id}.{item.format}") or "",
        "X-Accel-Buffering": "no",
    }
    if start:
        headers["Content-Range"] = f"bytes {start}-{VERY_LARGE}/*"
    status = 206 if start else 200
    if request.method == "HEAD":
        return HttpResponse(content_type=item.media_type, headers=headers, status=status)
    return StreamingHttpResponse(follow(item, after=start), content_type=item.media_type, headers=headers, status=status)


def _for_the_proxy(request: HttpRequest, partial: bool) -> bool:
    """Whether nginx answers as we do: it knows nothing of our ETag, and refuses a range that says nothing, where we send the whole."""
    return "If-Match" not in request.headers and (partial or "Range" not in request.headers)


def _handed_over(blob: Blob, media_type: str, headers: dict[str, str]) -> HttpResponse:
    """The answer whose bytes the proxy reads from the disk itself, the range too."""
    told = {name: headers[name] for name in ("Cache-Control", "Content-Disposition", "ETag")}
    if "Content-Range" in headers:
        # of the whole nginx says so itself
        told["Accept-Ranges"] = headers["Accept-Ranges"]
    place = settings.ACCEL_PREFIX + quote(blob.pk)
    return HttpResponse(content_type=media_type, headers={**told, "X-Accel-Redirect": place})


def _span(asked: str | None, size: int) -> tuple[int, int]:
    """Start and stop of the one range in a Range header; the whole for none, for several, and for what is not a range."""
    match = ONE_RANGE.fullmatch(asked.strip()) if asked else None
    if match is None or match.groups() == ("", ""):
        return 0, size
    first, last = match.groups()
    start, stop = (max(0, size - int(last)), size) if not first else (int(first), min(size, int(last or size) + 1))
    if start >= size or stop <= start:
        if first and last and int(last) < int(first):
            return 0, size
        raise RangeNotSatisfiable
    return start, stop
