"""Servers of others, and whether one of ours answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import httpx
from django.conf import settings
from pydantic import SecretStr

from config.doctor.findings import Finding, check, failure, warning, well

PATIENCE = 4.0
# seconds
REFUSED = (401, 403)
BROKEN = 500


@check("upstreams", needs=("settings",))
def upstreams() -> Iterator[Finding]:
    for upstream in settings.UPSTREAMS:
        yield _asked(f"The upstream {upstream.name}", upstream.url, upstream.keys, "UPSTREAMS")


@check("responder", needs=("settings",))
def responder() -> Iterator[Finding]:
    if settings.RESPONDER != "chat":
        return
    yield _asked("The language model's server", settings.CHAT_URL, settings.CHAT_KEYS, "CHAT_URL and CHAT_KEYS")


def _asked(what: str, url: str, keys: Sequence[SecretStr], variable: str) -> Finding:
    """The list of models, which costs nothing: any answer says that it is there."""
    headers = {"Authorization": f"Bearer {keys[0].get_secret_value()}"} if keys else {}
    try:
        answer = httpx.get(f"{url}/models", headers=headers, timeout=PATIENCE)
    except httpx.HTTPError as error:
        return failure(f"{what} can't be reached: {type(error).__name__}.", f"See {variable}, and whether this machine may go there.")
    if answer.status_code in REFUSED:
        return failure(f"{what} refuses its first key.", f"See {variable}.")
    if answer.status_code >= BROKEN:
        return warning(f"{what} answers with {answer.status_code}.", "See whether it is well.")
    return well(f"{what} answers.")
