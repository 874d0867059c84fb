"""The port that clients come to."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator

import httpx

from config.doctor.findings import Check, Finding, failure, warning, well

PATIENCE = 5.0
# seconds
WELL = 200


def door(host: str, port: int) -> Check:
    """A check of one address, which only the command line knows."""
    return Check("port", _looker(host, port), ("settings",), 2 * PATIENCE)


def _looker(host: str, port: int) -> Callable[[], Iterator[Finding]]:
    def look() -> Iterator[Finding]:
        try:
            socket.create_connection((host, port), PATIENCE).close()
        except OSError:
            yield well(f"Nothing listens on {host}:{port}: the port is free.")
            return
        try:
            answer = httpx.get(f"http://{host}:{port}/readyz", timeout=PATIENCE, headers={"Host": "localhost"}, trust_env=False)
            parts = answer.json()["parts"]
        except (httpx.HTTPError, ValueError, KeyError, TypeError):
            advice = "End it, or serve on another: `manage.py serve --port N`, `manage.py doctor --port N`."
            yield warning(f"Something else answers on {host}:{port}.", advice)
            return
        if answer.status_code == WELL:
            yield well(f"The service on {host}:{port} is ready.")
        else:
            lacking = ", ".join(sorted(name for name, state in parts.items() if state != "ok"))
            yield failure(f"The service on {host}:{port} is not ready: {lacking}.", "What is said of these above is what it lacks.")

    return look
