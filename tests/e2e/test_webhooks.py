"""Webhooks from a real worker to a receiver on this machine."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from tests.e2e.system import System, running
from tests.jobs.receivers import Receiver
from tests.servers import RedisServer

pytestmark = [pytest.mark.e2e, pytest.mark.shapes("deployed")]

PATIENCE = 60


@pytest.fixture
def telling(redis_server: RedisServer, fresh_database: Callable[[], str], folder: Path):
    """A system that may send webhooks to receivers on this machine."""
    urls = {"DATABASE_URL": fresh_database(), "REDIS_URL": redis_server.url}
    with running(folder, server="uvicorn", workers=1, WEBHOOK_PRIVATE="true", **urls) as system:
        yield system


def wait_until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_the_end_of_a_brief_is_told_once_signed_and_again_after_a_failure(telling: System):
    brief = {"voice": "tone", "model": "tone", "response_format": "pcm", "items": [{"input": "one"}, {"input": "two"}]}
    with Receiver(500, 204) as receiver, telling.client() as client:
        webhook = client.post("/v1/webhooks", json={"url": receiver.url}).json()
        job = client.post("/v1/jobs", json={**brief, "webhook_url": receiver.url}).json()
        wait_until(lambda: len(receiver.sent) > 1)
        deliveries = f"/v1/webhooks/{webhook['id']}/deliveries"
        wait_until(lambda: client.get(deliveries).json()["data"][0]["state"] == "delivered")
        time.sleep(1)
        [delivery] = client.get(deliveries).json()["data"]

    first, second = receiver.sent
    told = [Webhook(webhook["secret"]).verify(sent.body, sent.headers) for sent in (first, second)]
    assert told[0] == told[1]
    assert (told[0]["type"], told[0]["data"]["id"], told[0]["data"]["counts"]["completed"]) == ("job.completed", job["id"], 2)
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert delivery["state"] == "delivered"
