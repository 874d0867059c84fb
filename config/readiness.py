"""Telling systemd that a process can do its work: `systemctl restart` waits for that (sd_notify(3))."""

from __future__ import annotations

import socket
from contextlib import suppress

ABSTRACT = "@"
# how the name of a socket begins that is no file


def tell_ready(address: str) -> None:
    """Where nobody has asked, `address` is empty."""
    if not address:
        return
    name = f"\0{address[1:]}" if address.startswith(ABSTRACT) else address
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notifying:
        notifying.connect(name)
        notifying.sendall(b"READY=1")
