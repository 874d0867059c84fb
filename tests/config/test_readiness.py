from __future__ import annotations

import socket

import pytest

from config.readiness import tell_ready


@pytest.mark.parametrize("abstract", [False, True])
def test_systemd_is_told(tmp_path, abstract):
    address = f"@{tmp_path}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(f"\0{address[1:]}" if abstract else address)
        systemd.settimeout(5)

        tell_ready(address)

        assert systemd.recv(64) == b"READY=1"


def test_where_systemd_has_gone_nothing_happens(tmp_path):
    tell_ready(str(tmp_path / "gone"))
