"""People on the desk: what each uses, his keys, and letting him in no more."""

from __future__ import annotations

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from accounts.models import Override, Plan, User
from accounts.tokens import issue_key, sign_in


@pytest.fixture
def desk(staff: User) -> Client:
    client = Client()
    client.force_login(staff)
    return client


def page_of(desk: Client, user: User) -> str:
    return desk.get(reverse("admin:accounts_user_change", args=[user.pk])).content.decode()


def do(desk: Client, user: User, button: str, **fields: str) -> str:
    return desk.post(reverse("admin:accounts_user_do", args=[user.pk, button]), fields, follow=True).content.decode()


def test_the_page_of_a_person_shows_what_he_has(desk, alice):
    Plan.objects.create(name="small", is_default=True, characters=1000, custom_voices=3)
    Override.objects.create(owner=alice, characters=7)
    key, _ = issue_key(owner=alice, name="phone", scopes=[])
    sign_in(alice)

    page = page_of(desk, alice)

    for told in ("“small”", "0 of 7 (0 %)", "0 of 3 (0 %)", "phone", reverse("admin:accounts_apikey_change", args=[key.pk])):
        assert told in page
    assert "the plan: 1000" in page
    assert f"{reverse('admin:jobs_output_changelist')}?owner__id__exact={alice.pk}" in page


def test_whoever_is_blocked_is_let_in_no_more_until_he_is_unblocked(desk, alice, client_of):
    client = client_of(alice)

    do(desk, alice, "block_one")
    assert client.get("/v1/me").status_code == 200
    do(desk, alice, "block_one", confirmed="yes")
    assert client.get("/v1/me").status_code == 401
    do(desk, alice, "unblock_one")

    assert client.get("/v1/me").status_code == 200
    assert [entry.change_message for entry in LogEntry.objects.order_by("pk")] == ["blocked", "unblocked"]


def test_nobody_locks_himself_out(desk, staff):
    told = do(desk, staff, "block_one", confirmed="yes")

    assert "lock yourself out" in told
    assert User.objects.get(pk=staff.pk).is_active


def test_many_are_blocked_from_the_list_once_that_is_confirmed(desk, alice, bob):
    sent = {"action": "block", "_selected_action": [str(alice.pk), str(bob.pk)]}
    address = reverse("admin:accounts_user_changelist")

    desk.post(address, sent)
    assert User.objects.filter(is_active=False).count() == 0
    desk.post(address, {**sent, "confirmed": "yes"})

    assert User.objects.filter(is_active=False).count() == 2


def test_a_key_is_revoked_once_that_is_confirmed(desk, alice, client_of):
    key, _ = issue_key(owner=alice, name="phone", scopes=[])
    address = reverse("admin:accounts_apikey_do", args=[key.pk, "revoke_one"])

    desk.post(address)
    key.refresh_from_db()
    assert key.revoked_at is None
    desk.post(address, {"confirmed": "yes"})

    key.refresh_from_db()
    assert key.revoked_at is not None
