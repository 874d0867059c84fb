"""Many texts at once by plain HTTP: a brief, its events as they happen, its outputs in one zip.

VOICE_URL=http://127.0.0.1:8000 VOICE_KEY=… python jobs.py chapter.zip
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import httpx

LINES = ["It was a bright cold day.", "The clocks were striking.", "Nobody looked up."]

with httpx.Client(base_url=os.environ["VOICE_URL"], headers={"Authorization": f"Bearer {os.environ['VOICE_KEY']}"}, timeout=60) as client:
    brief = {"voice": "alloy", "name": "Chapter 1", "items": [{"input": line, "ref": str(n)} for n, line in enumerate(LINES)]}
    # the same key again is the same job, however often the request is sent
    answer = client.post("/v1/jobs", json=brief, headers={"Idempotency-Key": str(uuid4())})
    if answer.is_error:
        sys.exit(answer.json()["error"]["message"])
    job = answer.json()["id"]

    last = "0"
    over = False
    while not over:
        # a stream that was cut goes on after the last event that has an id
        with suppress(httpx.RemoteProtocolError), client.stream("GET", f"/v1/jobs/{job}/events", headers={"Last-Event-ID": last}) as events:
            events.raise_for_status()
            over = events.status_code == httpx.codes.NO_CONTENT
            for line in events.iter_lines():
                name, _, value = line.partition(": ")
                if name == "id":
                    last = value
                elif name == "data":
                    print(json.loads(value).get("ref", "…"), end=" ", flush=True)

    done = client.get(f"/v1/jobs/{job}").json()
    print("\nstate:", done["state"], done["counts"])
    with client.stream("GET", f"/v1/jobs/{job}/archive") as archive, Path(sys.argv[1]).open("wb") as file:
        for block in archive.iter_bytes():
            file.write(block)
