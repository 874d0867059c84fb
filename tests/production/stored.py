"""What nginx answers for stored outputs, which it sends itself, held against what the service says of them without it."""

from __future__ import annotations

import hashlib

import httpx

from tests.production.machine import LOCAL, Machine

SAME = ("Accept-Ranges", "Cache-Control", "Content-Disposition", "Content-Length", "Content-Range", "Content-Type", "ETag",
        "X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy", "Strict-Transport-Security")  # fmt: skip
RANGES = (None, "bytes=0-3", "bytes=4-", "bytes=-3", "bytes=99999999-", "bytes=0-0,2-3", "bytes=3-1", "lines=1-2")


def differences(machine: Machine, key: str, output_id: str, foreign: str) -> list[str]:
    """Where the two differ in status, body or a header; and what nginx lets somebody else have."""
    path = f"/v1/outputs/{output_id}/content"
    # from an address that is no proxy's, so that the service sends the bytes
    own = httpx.HTTPTransport(local_address="127.0.0.2")
    with (
        httpx.Client(base_url=machine.url, verify=machine.trust) as proxied,
        httpx.Client(base_url=f"http://{LOCAL}:{machine.ports[0]}", transport=own) as plain,
    ):
        mine = {"Authorization": f"Bearer {key}"}
        etag = proxied.get(path, headers=mine).headers["ETag"]
        asked = [{"Range": value} if value else {} for value in RANGES]
        asked += [{"If-None-Match": etag}, {"If-Match": etag}, {"If-Match": '"other"'}]
        asked += [{"Range": "bytes=0-3", "If-Range": value} for value in (etag, '"other"')]
        found = []
        for method in ("GET", "HEAD"):
            for more in asked:
                here = proxied.request(method, path, headers={**mine, **more})
                there = plain.request(method, path, headers={**mine, **more, "X-Forwarded-Proto": "https"})
                found += [f"{method} {more}: {one} instead of {other}" for one, other in apart(here, there)]
                if "x-request-id" not in here.headers or "x-accel-redirect" in here.headers:
                    found.append(f"{method} {more}: {dict(here.headers)}")
        for headers in ({}, {"Authorization": f"Bearer {foreign}"}):
            if (status := proxied.get(path, headers=headers).status_code) not in (401, 404):
                found.append(f"somebody else gets {status}")
        inside = [f"/stored/{name}" for name in ("", "x", "../secret")]
        found += [f"{each} is open" for each in inside if proxied.get(each, headers=mine).status_code != 404]
    return found


def apart(here: httpx.Response, there: httpx.Response) -> list[tuple[object, object]]:
    """What differs. The body and most headers of an error are its request's own."""
    names = SAME if there.is_success else ("Content-Type",)
    pairs: list[tuple[object, object]] = [(here.status_code, there.status_code)]
    pairs += [(f"{name}: {here.headers.get(name)}", f"{name}: {there.headers.get(name)}") for name in names]
    if there.is_success:
        pairs.append((hashlib.sha256(here.content).hexdigest(), hashlib.sha256(there.content).hexdigest()))
    return [(one, other) for one, other in pairs if one != other]
