"""What a request is called, from the door to the last line about it."""

from __future__ import annotations

import re

from accounts.ids import new_id
from accounts.limits import from_proxy

WELL_FORMED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}", re.ASCII)
# letters and digits that no log, header or row minds


def request_id(sent: str, peer: str) -> str:
    """The id that a proxy of ours has given the request, where it is one; else a new one."""
    if sent and WELL_FORMED.fullmatch(sent) and from_proxy(peer):
        return sent
    return new_id("req")
