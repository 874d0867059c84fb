"""Webhooks from a real worker to a receiver on this machine."""

from __future__ import annotations

import pytest
from standardwebhooks import Webhook

from tests.e2e.system import System
from tests.jobs.receivers import Receiver
from tests.waiting import wait_until

pytestmark = pytest.mark.shapes("deployed")


def test_the_end_of_a_brief_is_told_once_signed_and_again_after_a_failure(system: System):
    brief = {"voice": "tone", "model": "tone", "response_format": "pcm", "items": [{"input": "one"}, {"input": "two"}]}
    with Receiver(500, 204) as receiver, system.client() as client:
        webhook = client.post("/v1/webhooks", json={"url": receiver.url}).json()
        job = client.post("/v1/jobs", json={**brief, "webhook_url": receiver.url}).json()
        deliveries = f"/v1/webhooks/{webhook['id']}/deliveries"
        wait_until(lambda: [each["state"] for each in client.get(deliveries).json()["data"]] == ["delivered"])
        client.delete(f"/v1/webhooks/{webhook['id']}")

    first, second = receiver.sent
    told = [Webhook(webhook["secret"]).verify(sent.body, sent.headers) for sent in (first, second)]
    assert told[0] == told[1]
    assert (told[0]["type"], told[0]["data"]["id"], told[0]["data"]["counts"]["completed"]) == ("job.completed", job["id"], 2)
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
