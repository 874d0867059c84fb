"""Origins of web pages, as RFC 6454 has them: compared in full, with scheme, host and port."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import NamedTuple, Self

FORM = re.compile(r"([a-z][a-z0-9+.-]*)://([a-z0-9._-]+|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?", re.ASCII)
DEFAULT_PORTS = {"http": 80, "https": 443}
HIGHEST_PORT = 65_535


class Origin(NamedTuple):
    scheme: str
    host: str
    # an IPv6 address in brackets
    port: int | None
    # none: the scheme is one that has no ports, an app's

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """None where it is no origin, or a page's that does not tell its own ("null")."""
        found = FORM.fullmatch(text.lower())
        if found is None:
            return None
        scheme, host, port = found.groups()
        number = DEFAULT_PORTS.get(scheme) if port is None else int(port)
        if number is not None and not 0 < number <= HIGHEST_PORT:
            return None
        if host.startswith("["):
            try:
                host = f"[{ip_address(host[1:-1])}]"
            except ValueError:
                return None
        return cls(scheme, host, number)
