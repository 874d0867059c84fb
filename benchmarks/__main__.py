"""All figures in one run. Each line says what was measured, how often, and its median and extremes."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks import doorbell, latency, scale
from tests.servers import PostgresServer, RedisServer


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, PostgresServer() as postgres, RedisServer() as redis:
        doorbell.report(postgres.url, redis.url)
        latency.report(Path(folder), postgres.url, redis.url)
        scale.report(Path(folder), postgres.url, redis.url)


main()
