"""Webhooks on the desk: what was sent, what came back, and once more."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from accounts.models import User
from jobs import webhooks
from jobs.models import Delivery, Webhook
from jobs.models.webhooks import DeliveryState
from jobs.webhook_admin import IN_THE_LOG
from jobs.webhooks import register, secret

URL = "https://receiver.example/hook"


@pytest.fixture
def webhook(alice: User) -> Webhook:
    return register(alice, URL)


def make_delivery(webhook: Webhook, **fields: Any) -> Delivery:
    ordinary = {"event": "job.completed", "payload": {"id": "job_1", "name": "Käse"}}
    return Delivery.objects.create(owner=webhook.owner, webhook=webhook, **{**ordinary, **fields})


def page_of(desk: Client, row: Any, **query: str) -> str:
    return desk.get(reverse(f"admin:jobs_{row._meta.model_name}_change", args=[row.pk]), query).content.decode()


def do(desk: Client, row: Any, button: str, **fields: str) -> str:
    address = reverse(f"admin:jobs_{row._meta.model_name}_do", args=[row.pk, button])
    return desk.post(address, fields, follow=True).content.decode()


def test_the_log_stands_on_the_page_of_the_webhook_a_page_at_a_time(desk, webhook):
    deliveries = [make_delivery(webhook) for _ in range(IN_THE_LOG + 1)]

    newest = page_of(desk, webhook)
    older = page_of(desk, webhook, before=deliveries[1].pk)

    assert deliveries[-1].pk in newest
    assert f"?before={deliveries[1].pk}#log" in newest
    assert deliveries[0].pk not in newest
    assert deliveries[0].pk in older
    assert "Older ones" not in older


def test_what_was_sent_and_what_came_back_can_be_read(desk, webhook):
    delivery = make_delivery(webhook, response='{"error":"<b>no</b>"}', response_status=400, state=DeliveryState.FAILED)
    delivery.refresh_from_db()

    page = page_of(desk, delivery)

    assert "&quot;name&quot;: &quot;Käse&quot;" in page
    assert "&quot;error&quot;: &quot;&lt;b&gt;no&lt;/b&gt;&quot;" in page


def test_a_secret_is_shown_nowhere(desk, webhook):
    delivery = make_delivery(webhook)

    for row in (webhook, delivery):
        assert secret(webhook) not in page_of(desk, row)
        assert "whsec_" not in page_of(desk, row)


def test_what_has_failed_is_sent_again_from_the_log(desk, webhook):
    failed, delivered = make_delivery(webhook, state=DeliveryState.FAILED), make_delivery(webhook, state=DeliveryState.DELIVERED)
    page = page_of(desk, webhook)
    assert reverse("admin:jobs_delivery_do", args=[failed.pk, "send_one"]) in page
    assert reverse("admin:jobs_delivery_do", args=[delivered.pk, "send_one"]) not in page

    do(desk, failed, "send_one")

    failed.refresh_from_db()
    assert failed.state == DeliveryState.PENDING
    assert LogEntry.objects.get().change_message == "sent again"


def test_disabling_is_asked_about_first(desk, webhook):
    asked = do(desk, webhook, "disable_one")
    webhook.refresh_from_db()
    assert "given up" in asked
    assert webhook.disabled_at is None

    do(desk, webhook, "disable_one", confirmed="yes")

    webhook.refresh_from_db()
    assert webhook.disabled_at is not None
    assert "disabled" in do(desk, webhook, "try_one")
    assert not Delivery.objects.exists()


def test_a_test_is_sent_from_its_page(desk, webhook):
    do(desk, webhook, "try_one")

    assert Delivery.objects.get().event == "webhook.test"


def test_of_an_answer_the_beginning_is_kept_as_a_text(webhook):
    assert webhooks._legible(b"a\0b\xff") == "ab\ufffd"
