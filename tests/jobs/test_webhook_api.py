from __future__ import annotations

import pytest
from django.db.models.functions import Now
from standardwebhooks import Webhook as Verifier

from accounts.models import Scope
from accounts.tokens import issue_key
from jobs import webhooks
from jobs.models import Delivery, Webhook
from jobs.models.webhooks import DeliveryState
from jobs.webhooks import register, secret
from tests.jobs.receivers import Receiver

URL = "https://receiver.example/hook"


def make_delivery(webhook: Webhook, **fields) -> Delivery:
    return Delivery.objects.create(owner=webhook.owner, webhook=webhook, **{"event": "job.completed", "payload": {"id": "job_1"}, **fields})


def test_it_registers_an_address_and_shows_its_secret_once(alice, client_of):
    client = client_of(alice)

    response = client.post("/v1/webhooks", {"url": URL}, format="json")

    assert response.status_code == 201, response.content
    made = response.json()
    webhook = Webhook.objects.get()
    assert made.pop("secret") == secret(webhook)
    assert isinstance(made["created_at"], int)
    assert made == {
        "id": webhook.pk,
        "object": "webhook",
        "url": URL,
        "every_job": False,
        "created_at": made["created_at"],
        "disabled_at": None,
        "failing_since": None,
    }
    assert client.get(f"/v1/webhooks/{webhook.pk}").json() == made
    assert client.get("/v1/webhooks").json()["data"] == [made]


def test_it_can_be_told_of_every_job(alice, client_of):
    assert client_of(alice).post("/v1/webhooks", {"url": URL, "every_job": True}, format="json").json()["every_job"] is True
    assert Webhook.objects.every().exists()


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({}, "invalid_request", "url"),
        ({"every_job": True}, "missing_required_parameter", "url"),
        ({"url": 1}, "invalid_type", "url"),
        ({"url": URL, "every_job": "yes"}, "invalid_type", "every_job"),
        ({"url": URL, "secret": "whsec_x"}, "unknown_field", "secret"),
        ({"url": "http://receiver.example/"}, "invalid_webhook_url", "url"),
        ({"url": "https://192.168.0.1/"}, "invalid_webhook_url", "url"),
        ({"url": "https://a.example/" + "a" * 2000}, "invalid_webhook_url", "url"),
    ],
)
def test_what_is_wrong_is_named(alice, client_of, body, code, param):
    response = client_of(alice).post("/v1/webhooks", body, format="json")

    assert response.status_code == 400
    assert (response.json()["error"]["code"], response.json()["error"]["param"]) == (code, param)
    assert not Webhook.objects.exists()


def test_there_is_an_end_to_their_number(alice, client_of):
    for number in range(20):
        register(alice, f"{URL}/{number}")

    response = client_of(alice).post("/v1/webhooks", {"url": URL}, format="json")

    assert (response.status_code, response.json()["error"]["code"]) == (409, "too_many_webhooks")


def test_it_lists_yours_newest_first_by_pages(alice, bob, client_of):
    mine = [register(alice, f"{URL}/{number}").pk for number in range(3)]
    register(bob, URL)

    first = client_of(alice).get("/v1/webhooks?limit=2").json()
    second = client_of(alice).get(f"/v1/webhooks?limit=2&after={first['last_id']}").json()

    assert [row["id"] for row in first["data"] + second["data"]] == sorted(mine, reverse=True)
    assert (first["has_more"], second["has_more"]) == (True, False)


def test_deleting_forgets_it_with_its_deliveries(alice, client_of):
    webhook = register(alice, URL)
    make_delivery(webhook)

    response = client_of(alice).delete(f"/v1/webhooks/{webhook.pk}")

    assert response.json() == {"id": webhook.pk, "object": "webhook.deleted", "deleted": True}
    assert not Webhook.objects.exists()
    assert client_of(alice).delete(f"/v1/webhooks/{webhook.pk}").status_code == 404


def test_rotating_answers_with_another_secret(alice, client_of):
    webhook = register(alice, URL)
    before = secret(webhook)

    response = client_of(alice).post(f"/v1/webhooks/{webhook.pk}/rotate")

    assert response.status_code == 200
    webhook.refresh_from_db()
    assert response.json()["secret"] == secret(webhook) != before


def test_enabling_makes_a_disabled_one_as_new(alice, client_of):
    webhook = register(alice, URL)
    Webhook.objects.update(disabled_at=Now(), failing_since=Now())
    shown = client_of(alice).get(f"/v1/webhooks/{webhook.pk}").json()
    assert isinstance(shown["disabled_at"], int)

    response = client_of(alice).post(f"/v1/webhooks/{webhook.pk}/enable")

    assert (response.status_code, response.json()["disabled_at"], response.json()["failing_since"]) == (200, None, None)


def test_a_test_is_sent_like_any_other_event(transactional_db, alice, client_of, settings):
    settings.WEBHOOK_PRIVATE = True
    with Receiver() as receiver:
        webhook = register(alice, receiver.url)
        response = client_of(alice).post(f"/v1/webhooks/{webhook.pk}/test")
        webhooks.deliver(response.json()["id"])

    assert response.status_code == 202, response.content
    assert (response.json()["event"], response.json()["state"], response.json()["job_id"]) == ("webhook.test", "pending", None)
    (sent,) = receiver.sent
    assert Verifier(secret(webhook)).verify(sent.body, sent.headers)["data"] == {"id": webhook.pk, "object": "webhook"}


def test_a_test_of_a_disabled_one_is_refused(alice, client_of):
    webhook = register(alice, URL)
    webhooks.disable(webhook)

    response = client_of(alice).post(f"/v1/webhooks/{webhook.pk}/test")

    assert (response.status_code, response.json()["error"]["code"]) == (409, "invalid_state")
    assert not Delivery.objects.exists()


def test_its_deliveries_are_listed_newest_first(alice, client_of):
    webhook = register(alice, URL)
    failed = make_delivery(webhook, state=DeliveryState.FAILED, attempt=8, response_status=500, error="The answer was 500.")
    pending = make_delivery(webhook)
    make_delivery(register(alice, f"{URL}/other"))

    page = client_of(alice).get(f"/v1/webhooks/{webhook.pk}/deliveries").json()

    assert [row["id"] for row in page["data"]] == sorted([failed.pk, pending.pk], reverse=True)
    shown = {row["id"]: row for row in page["data"]}
    assert (shown[failed.pk]["response_status"], shown[failed.pk]["error"]) == (500, "The answer was 500.")
    assert (shown[failed.pk]["attempt"], shown[failed.pk]["next_try_at"]) == (8, None)
    assert isinstance(shown[pending.pk]["next_try_at"], int)
    assert shown[pending.pk]["payload"] == {"id": "job_1"}


@pytest.mark.parametrize(
    ("method", "tail"),
    [("get", ""), ("delete", ""), ("post", "/rotate"), ("post", "/enable"), ("post", "/test"), ("get", "/deliveries")],
)
def test_it_hides_the_webhooks_of_other_owners(alice, bob, client_of, method, tail):
    webhook = register(alice, URL)
    make_delivery(webhook)

    foreign = getattr(client_of(bob), method)(f"/v1/webhooks/{webhook.pk}{tail}")
    absent = getattr(client_of(bob), method)(f"/v1/webhooks/hook_00000000000000000000000000{tail}")

    assert foreign.status_code == absent.status_code == 404
    assert foreign.json() == absent.json()
    webhook.refresh_from_db()
    assert webhook.generation == 1


@pytest.mark.parametrize(
    ("method", "tail"), [("get", "s"), ("post", "s"), ("get", "s/x"), ("post", "s/x/rotate"), ("get", "s/x/deliveries")]
)
def test_a_key_without_the_scope_may_not(alice, client, method, tail):
    _, token = issue_key(owner=alice, name="speech only", scopes=[Scope.SPEECH])

    response = getattr(client, method)(f"/v1/webhook{tail}", HTTP_AUTHORIZATION=f"Bearer {token}")

    assert (response.status_code, response.json()["error"]["code"]) == (403, "insufficient_scope")


def test_writing_is_limited(alice, client_of, settings):
    settings.WRITE_RATE = "1/m"
    client = client_of(alice)
    client.post("/v1/webhooks", {"url": URL}, format="json")

    response = client.post("/v1/webhooks", {"url": URL}, format="json")

    assert (response.status_code, response.json()["error"]["code"]) == (429, "rate_limit_exceeded")
    assert client.get("/v1/webhooks").status_code == 200
