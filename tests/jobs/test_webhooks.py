"""Webhooks: signed, tried again for a day, given up after days of failure."""

from __future__ import annotations

import base64
import threading
from datetime import timedelta

import dramatiq
import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.db import connection
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

import jobs.actors
import jobs.webhook_admin
from accounts.models import User
from jobs import webhooks
from jobs.models import Delivery, Job, State, Webhook
from jobs.models.webhooks import DeliveryState
from jobs.webhooks import DELAYS, InvalidWebhookUrl, TooManyWebhooks, deliver, register, secret
from tests.conftest import PASSWORD
from tests.factories import make_item, make_job
from tests.jobs.receivers import Receiver, Sent

pytestmark = pytest.mark.shapes("embedded", "deployed")


@pytest.fixture(autouse=True)
def _inside(settings) -> None:
    """The receivers are in the operator's network."""
    settings.WEBHOOK_PRIVATE = True


@pytest.fixture
def rung(monkeypatch) -> list[str]:
    """The deliveries whose message was sent: the real actor, its last step into the broker noted down."""
    sent: list[str] = []
    monkeypatch.setattr(dramatiq.get_broker(), "enqueue", lambda message, **_: sent.append(message.args[0]))
    return sent


def make_delivery(owner: User, url: str, **fields) -> Delivery:
    delivery: Delivery = Delivery.objects.create(
        owner=owner, webhook=register(owner, url), **{"event": "job.completed", "payload": {"id": "job_1", "name": "Käse"}, **fields}
    )
    delivery.refresh_from_db()
    return delivery


def now_due(delivery: Delivery) -> None:
    Delivery.objects.filter(pk=delivery.pk).update(due_at=Now() - timedelta(seconds=1))


def failing_for(webhook: Webhook, time: timedelta) -> None:
    Webhook.objects.filter(pk=webhook.pk).update(failing_since=Now() - time)


def again(delivery: Delivery) -> Delivery:
    found: Delivery = Delivery.objects.select_related("webhook").get(pk=delivery.pk)
    return found


def verified(sent: Sent, key: str) -> bool:
    try:
        Verifier(key).verify(sent.body, sent.headers)
    except WebhookVerificationError:
        return False
    return True


def test_the_end_of_a_job_is_told_to_whom_it_names_and_to_whom_every_job_is_told(alice, bob):
    named, every, _other = (
        register(alice, "https://a.example/"),
        register(alice, "https://b.example/", every_job=True),
        register(alice, "https://c.example/"),
    )
    register(bob, "https://d.example/", every_job=True)
    item = make_item(alice, job=make_job(alice, webhook=named, announced=True))

    item.cancel()

    told = Delivery.objects.values_list("webhook_id", "event", "payload__id")
    assert set(told) == {(webhook.pk, "job.cancelled", item.job_id) for webhook in (named, every)}


def test_a_delivery_is_signed_for_the_standards_own_verifier(alice):
    with Receiver(200) as receiver:
        delivery = make_delivery(alice, receiver.url)
        deliver(delivery.pk)

    (sent,) = receiver.sent
    event = Verifier(secret(delivery.webhook)).verify(sent.body, sent.headers)
    assert (event["type"], event["data"]) == ("job.completed", {"id": "job_1", "name": "Käse"})
    assert event["timestamp"] == delivery.created_at.isoformat().replace("+00:00", "Z")
    assert sent.headers["webhook-id"] == delivery.pk
    assert sent.headers["content-type"] == "application/json"
    assert sent.headers["user-agent"].startswith("voice-platform/")
    delivery = again(delivery)
    assert (delivery.state, delivery.response_status, delivery.error, delivery.attempt) == (DeliveryState.DELIVERED, 200, "", 1)
    assert delivery.finished_at is not None


def test_a_delivery_names_the_request_that_its_job_came_with(alice):
    job = make_job(alice, request_id="req_of_the_job")
    with Receiver(200) as receiver:
        deliver(make_delivery(alice, receiver.url, job=job).pk)
        deliver(make_delivery(alice, receiver.url).pk)

    of_a_job, of_none = receiver.sent
    assert of_a_job.headers["x-request-id"] == "req_of_the_job"
    assert "x-request-id" not in of_none.headers


def test_a_secret_has_32_bytes_and_is_one_webhooks_own(alice):
    first, second = register(alice, "https://a.example/"), register(alice, "https://b.example/")

    prefix, _, key = secret(first).partition("_")

    assert (prefix, len(base64.b64decode(key))) == ("whsec", 32)
    assert secret(first) != secret(second)
    assert not verified(Sent("", {}, b""), secret(first))


def test_for_a_day_after_its_change_the_secret_before_is_signed_with_too(alice):
    with Receiver(200) as receiver:
        delivery = make_delivery(alice, receiver.url)
        webhook = delivery.webhook
        before = secret(webhook)
        webhooks.rotate(webhook)
        deliver(delivery.pk)
        Webhook.objects.update(rotated_at=Now() - timedelta(hours=25))
        deliver(make_delivery(alice, receiver.url).pk)

    after = secret(webhook)
    assert before != after
    assert [(verified(sent, before), verified(sent, after)) for sent in receiver.sent] == [(True, True), (False, True)]


def test_a_rotation_that_was_asked_for_twice_at_once_is_one(alice):
    webhook = register(alice, "https://a.example/")
    twin = Webhook.objects.get(pk=webhook.pk)

    webhooks.rotate(webhook)
    webhooks.rotate(twin)

    assert secret(webhook) == secret(twin)
    assert Webhook.objects.get().generation == 2


def test_a_failure_is_kept_and_tried_again_later(alice):
    with Receiver(500, 204) as receiver:
        delivery = make_delivery(alice, receiver.url)
        deliver(delivery.pk)
        failed = again(delivery)
        deliver(delivery.pk)
        too_early = len(receiver.sent)
        now_due(delivery)
        deliver(delivery.pk)

    assert (failed.state, failed.response_status, failed.error) == (DeliveryState.PENDING, 500, "The answer was 500.")
    assert failed.webhook.failing_since is not None
    assert too_early == 1
    first, second = receiver.sent
    assert (first.headers["webhook-id"], first.body) == (second.headers["webhook-id"], second.body)
    delivery = again(delivery)
    assert (delivery.state, delivery.response_status, delivery.error, delivery.attempt) == (DeliveryState.DELIVERED, 204, "", 2)
    assert delivery.webhook.failing_since is None


def test_the_tries_are_spread_over_a_day_and_then_it_has_failed(alice):
    delays = []
    with Receiver(503) as receiver:
        delivery = make_delivery(alice, receiver.url)
        for _ in range(len(DELAYS) + 2):
            now_due(delivery)
            begun = timezone.now()
            deliver(delivery.pk)
            delays.append(again(delivery).due_at - begun)

    assert len(receiver.sent) == len(DELAYS) + 1
    for planned, delay in zip(DELAYS, delays, strict=False):
        assert planned - timedelta(seconds=1) <= delay <= planned * 1.1 + timedelta(seconds=3)
    assert timedelta(hours=31) < sum(DELAYS, timedelta()) < timedelta(hours=32)
    delivery = again(delivery)
    assert (delivery.state, delivery.attempt) == (DeliveryState.FAILED, len(DELAYS) + 1)
    assert delivery.finished_at is not None


@pytest.mark.parametrize(
    ("status", "error"), [(302, "The answer was 302, and redirects are not followed."), (404, "The answer was 404."), (199, "")]
)
def test_whatever_is_no_success_is_a_failure(alice, status, error):
    with Receiver(status) as receiver:
        delivery = make_delivery(alice, receiver.url)
        deliver(delivery.pk)

    delivery = again(delivery)
    assert delivery.state == DeliveryState.PENDING
    assert delivery.error == error or not error


def test_a_receiver_that_is_away_is_tried_again(alice):
    with Receiver() as receiver:
        pass
    delivery = make_delivery(alice, receiver.url)

    deliver(delivery.pk)

    delivery = again(delivery)
    assert (delivery.state, delivery.response_status, delivery.error) == (DeliveryState.PENDING, None, "The connection failed.")


def test_where_private_addresses_are_not_allowed_nothing_is_sent_to_one(alice, settings):
    with Receiver() as receiver:
        delivery = make_delivery(alice, receiver.url)
        settings.WEBHOOK_PRIVATE = False
        deliver(delivery.pk)

    assert not receiver.sent
    assert again(delivery).error


def test_a_receiver_that_is_gone_is_disabled_at_once_with_all_that_waits_for_it(alice):
    with Receiver(410) as receiver:
        delivery, waiting = make_delivery(alice, receiver.url), make_delivery(alice, receiver.url)
        deliver(delivery.pk)
        deliver(waiting.pk)

    delivery = again(delivery)
    assert delivery.webhook.disabled_at is not None
    assert (delivery.state, delivery.response_status) == (DeliveryState.FAILED, 410)
    assert (again(waiting).state, again(waiting).error) == (DeliveryState.FAILED, "The webhook was disabled.")
    assert len(receiver.sent) == 1


@pytest.mark.parametrize(("days", "disabled"), [(4.9, False), (5.1, True)])
def test_a_webhook_that_only_fails_is_disabled_after_five_days(alice, days, disabled):
    with Receiver(500) as receiver:
        delivery, waiting = make_delivery(alice, receiver.url), make_delivery(alice, receiver.url)
        failing_for(delivery.webhook, timedelta(days=days))
        deliver(delivery.pk)

    assert (again(delivery).webhook.disabled_at is not None) is disabled
    assert {again(delivery).state, again(waiting).state} == {DeliveryState.FAILED if disabled else DeliveryState.PENDING}
    assert again(delivery).error == "The answer was 500."


def test_what_was_told_while_its_webhook_was_disabled_is_not_sent(alice):
    with Receiver() as receiver:
        delivery = make_delivery(alice, receiver.url)
        Webhook.objects.update(disabled_at=Now())
        deliver(delivery.pk)

    assert not receiver.sent
    assert again(delivery).state == DeliveryState.FAILED


def test_what_comes_of_a_try_that_was_taken_for_lost_changes_nothing(alice):
    with Receiver(200, 410) as receiver:
        delivery = make_delivery(alice, receiver.url)
        late = webhooks._claim(delivery.pk)
        now_due(delivery)
        assert late
        assert webhooks._claim(delivery.pk)

        webhooks._try(late)
        webhooks._try(late)

    assert len(receiver.sent) == 2
    delivery = again(delivery)
    assert (delivery.state, delivery.attempt, delivery.error) == (DeliveryState.PENDING, 2, "")
    assert (delivery.webhook.disabled_at, delivery.webhook.failing_since) == (None, None)


def test_a_try_that_was_lost_is_found_after_a_minute(alice):
    delivery = make_delivery(alice, "https://a.example/")

    webhooks._claim(delivery.pk)

    assert not Delivery.objects.due().exists()
    assert timedelta(0) < again(delivery).due_at - timezone.now() < timedelta(seconds=61)


def test_two_that_deliver_at_once_post_once(transactional_db, alice):
    def hesitate(handler):
        receiver.over.wait(0.3)
        handler.send_response(200)
        handler.end_headers()

    with Receiver(hesitate) as receiver:
        delivery = make_delivery(alice, receiver.url)
        barrier = threading.Barrier(4)

        def run() -> None:
            barrier.wait()
            deliver(delivery.pk)
            connection.close()

        threads = [threading.Thread(target=run) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert len(receiver.sent) == 1
    assert again(delivery).state == DeliveryState.DELIVERED


def test_a_webhook_that_is_deleted_meanwhile_is_no_fault(alice):
    delivery = make_delivery(alice, "https://a.example/")
    claimed = webhooks._claim(delivery.pk)
    assert claimed is not None
    webhooks.remove(delivery.webhook)

    webhooks._fail(claimed, 500, "late")
    webhooks._succeed(claimed, 200)
    jobs.actors.deliver_webhook(delivery.pk)

    assert not Delivery.objects.exists()


def test_the_sweep_rings_for_what_is_due_in_turn_and_first_where_it_arrives(alice, bob, rung):
    failing = make_delivery(bob, "https://failing.example/")
    failing_for(failing.webhook, timedelta(hours=1))
    first, second = make_delivery(alice, "https://a.example/"), make_delivery(alice, "https://a.example/")
    bobs = make_delivery(bob, "https://b.example/")
    make_delivery(bob, "https://b.example/", state=DeliveryState.DELIVERED)
    for minutes, delivery in enumerate((bobs, second, first, failing), 1):
        Delivery.objects.filter(pk=delivery.pk).update(due_at=Now() - timedelta(minutes=minutes))

    jobs.actors.send_due_webhooks()

    assert rung == [first.pk, bobs.pk, second.pk, failing.pk]


def test_the_sweep_takes_no_more_than_it_can(alice, rung, monkeypatch):
    monkeypatch.setattr(webhooks, "SWEEP_BATCH", 2)
    for _ in range(3):
        make_delivery(alice, "https://a.example/")

    webhooks.sweep_deliveries()

    assert len(rung) == 2


def test_a_sweep_that_finds_the_broker_away_leaves_it_at_that(alice, monkeypatch):
    tried: list[str] = []

    def away(message, **_):
        tried.append(message.args[0])
        raise dramatiq.ConnectionClosed("away")

    monkeypatch.setattr(dramatiq.get_broker(), "enqueue", away)
    for _ in range(2):
        make_delivery(alice, "https://a.example/")

    webhooks.sweep_deliveries()

    assert len(tried) == 1


def test_a_message_brings_all_that_is_due(alice):
    with Receiver() as receiver:
        deliveries = [make_delivery(alice, receiver.url) for _ in range(3)]

        jobs.actors.deliver_webhook(deliveries[2].pk)

    assert [sent.headers["webhook-id"] for sent in receiver.sent] == [deliveries[n].pk for n in (2, 0, 1)]


def test_a_message_that_finds_no_place_leaves_it_due(alice, monkeypatch):
    monkeypatch.setattr(webhooks, "places", threading.BoundedSemaphore(1))
    with Receiver() as receiver:
        delivery = make_delivery(alice, receiver.url)
        with webhooks.places:
            jobs.actors.deliver_webhook(delivery.pk)
        dropped = len(receiver.sent)
        jobs.actors.deliver_webhook(delivery.pk)

    assert (dropped, len(receiver.sent)) == (0, 1)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "x",
        "ftp://a.example/",
        "http://a.example/",
        "https://",
        "https:///path",
        "https://user:password@a.example/",
        "https://user@a.example/",
        "https://a.example\n.b.example/",
        "https://exa mple.org/",
        "https://a.example:99999/",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://2130706433/",
        "https://0177.0.0.1/",
        "https://" + "a" * 2000 + ".example/",
        "https://a.example/" + "a" * 2000,
        "javascript:alert(1)",
    ],
)
def test_an_address_that_nothing_would_be_sent_to_is_refused(alice, settings, url):
    settings.WEBHOOK_PRIVATE = False

    with pytest.raises(InvalidWebhookUrl) as refused:
        register(alice, url)

    assert refused.value.param == "url"
    assert not Webhook.objects.exists()


def test_an_address_is_registered_once_an_owner(alice, bob):
    first = register(alice, "https://a.example/hook")

    assert register(alice, "https://A.example:443/hook#part") == first
    assert register(bob, "https://a.example/hook") != first


def test_one_that_is_named_by_a_job_is_still_told_of_every_one(alice):
    assert not register(alice, "https://a.example/").every_job
    assert register(alice, "https://a.example/", every_job=True).every_job
    assert register(alice, "https://a.example/").every_job


def test_an_owner_has_twenty_webhooks_at_most(alice, bob):
    for number in range(20):
        register(alice, f"https://a.example/{number}")

    with pytest.raises(TooManyWebhooks):
        register(alice, "https://a.example/20")
    assert register(alice, "https://a.example/0")
    assert register(bob, "https://a.example/20")


def test_of_many_last_webhooks_at_once_one_is_made(transactional_db, alice):
    for number in range(19):
        register(alice, f"https://a.example/{number}")
    barrier = threading.Barrier(4)
    refused: list[int] = []

    def run(number: int) -> None:
        connection.ensure_connection()
        barrier.wait()
        try:
            register(alice, f"https://b.example/{number}")
        except TooManyWebhooks:
            refused.append(number)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(refused) == 3
    assert Webhook.objects.of(alice).count() == 20


def test_a_broker_that_does_not_know_the_message_is_no_fault(alice, monkeypatch):
    delivery = make_delivery(alice, "https://a.example/")
    monkeypatch.delitem(dramatiq.get_broker().actors, "deliver_webhook")

    assert webhooks.ring(delivery.pk) is False


def act(desk: Client, model: str, action: str, *rows: Webhook | Delivery) -> str:
    where = reverse(f"admin:jobs_{model}_changelist")
    response = desk.post(where, {"action": action, "_selected_action": [row.pk for row in rows]}, follow=True)
    assert response.status_code == 200
    return response.content.decode()


def test_staff_disable_and_enable_webhooks(desk, alice):
    waiting = make_delivery(alice, "https://a.example/")

    act(desk, "webhook", "disable", waiting.webhook)
    assert again(waiting).webhook.disabled_at is not None
    assert again(waiting).state == DeliveryState.FAILED

    act(desk, "webhook", "enable", waiting.webhook)
    assert again(waiting).webhook.disabled_at is None
    assert "neither disabled nor failing" in act(desk, "webhook", "enable", waiting.webhook)
    assert sorted(LogEntry.objects.values_list("change_message", flat=True)) == ["disabled", "enabled"]


def test_staff_send_again_what_has_failed(desk, alice):
    failed = make_delivery(alice, "https://a.example/", state=DeliveryState.FAILED, attempt=8)
    delivered = make_delivery(alice, "https://a.example/", state=DeliveryState.DELIVERED)

    page = act(desk, "delivery", "send_again", failed, delivered)

    assert (again(failed).state, again(failed).attempt) == (DeliveryState.PENDING, 8)
    assert Delivery.objects.due().get() == failed
    assert again(delivered).state == DeliveryState.DELIVERED
    assert "has not failed" in page
    assert LogEntry.objects.get().object_id == failed.pk


def test_what_is_sent_again_is_tried_once(alice):
    with Receiver(500) as receiver:
        delivery = make_delivery(alice, receiver.url, state=DeliveryState.FAILED, attempt=8)

        assert webhooks.send_again(delivery)
        deliver(delivery.pk)

    assert len(receiver.sent) == 1
    assert again(delivery).state == DeliveryState.FAILED


def test_nothing_is_sent_again_to_a_disabled_webhook(alice):
    delivery = make_delivery(alice, "https://a.example/", state=DeliveryState.FAILED)
    webhooks.disable(delivery.webhook)

    assert not webhooks.send_again(delivery)
    assert again(delivery).state == DeliveryState.FAILED


def test_staff_without_the_right_change_nothing(alice, client):
    waiting = make_delivery(alice, "https://a.example/")
    viewer = User.objects.create_user("viewer", password=PASSWORD, is_staff=True)
    viewer.user_permissions.add(*Permission.objects.filter(codename__in=["view_webhook", "view_delivery"]))
    client.login(username="viewer", password=PASSWORD)

    act(client, "webhook", "disable", waiting.webhook)

    assert again(waiting).webhook.disabled_at is None


def test_the_job_of_a_delivery_takes_it_along(alice):
    job = make_job(alice, state=State.COMPLETED)
    make_delivery(alice, "https://a.example/", job=job)

    Job.objects.filter(pk=job.pk).delete()

    assert not Delivery.objects.exists()
