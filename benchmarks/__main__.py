"""All figures in one run, or those that are named: `python -m benchmarks neural`.

Each line says what was measured, how often, and its median and extremes.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks import desk, detector, doorbell, hostile, latency, live, neural, scale, servers, streams
from tests.servers import PostgresServer, RedisServer

ALL = {
    "doorbell": doorbell.report,
    "streams": streams.report,
    "hostile": hostile.report,
    "detector": detector.report,
    "latency": latency.report,
    "scale": scale.report,
    "desk": desk.report,
    "neural": neural.report,
    "live": live.report,
    "servers": servers.report,
}


def main() -> None:
    for name in sys.argv[1:] or ALL:
        # services of its own each: what one leaves behind must not slow the next
        with tempfile.TemporaryDirectory() as folder, PostgresServer() as postgres, RedisServer() as redis:
            ALL[name](Path(folder), postgres.url, redis.url)


main()
