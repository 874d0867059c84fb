"""People on the desk: what each uses, his keys, and letting him in no more."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.urls import reverse

from accounts.models import Override, Plan, User
from accounts.roles import Role
from accounts.tokens import issue_key, sign_in
from tests.accounts.test_roles import staff_as

__all__ = ["staff_as"]


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


@pytest.fixture
def administrator(client: Client, staff_as: Callable[[Role], User]) -> Client:
    client.force_login(staff_as(Role.ADMINISTRATOR))
    return client


def form_of(client: Client, user: User, **fields: object) -> dict[str, object]:
    """What a browser would post of somebody's page."""
    page = client.get(reverse("admin:accounts_user_change", args=[user.pk]))
    initial = page.context["adminform"].form.initial
    sent = {name: value for name, value in initial.items() if value not in (None, False, []) and name != "date_joined"}
    joined = {"date_joined_0": f"{user.date_joined:%Y-%m-%d}", "date_joined_1": f"{user.date_joined:%H:%M:%S}"}
    return {**sent, **joined, "override-TOTAL_FORMS": 0, "override-INITIAL_FORMS": 0, **fields}


def test_no_administrator_makes_himself_a_superuser(administrator):
    myself = User.objects.get(username="a administrator")
    sent = form_of(administrator, myself, username="me", groups=[myself.groups.get().pk], is_superuser="on")

    administrator.post(reverse("admin:accounts_user_change", args=[myself.pk]), sent)

    myself.refresh_from_db()
    assert (myself.username, myself.is_superuser) == ("me", False)


def test_who_may_change_people_but_not_groups_gives_himself_no_right(client, alice):
    User.objects.filter(pk=alice.pk).update(is_staff=True)
    alice.user_permissions.set(Permission.objects.filter(codename__in=["change_user", "view_user"]))
    client.force_login(alice)
    every = list(Permission.objects.values_list("pk", flat=True))
    groups = list(Group.objects.values_list("pk", flat=True))

    client.post(
        reverse("admin:accounts_user_change", args=[alice.pk]),
        form_of(client, alice, email="a@b.cd", groups=groups, user_permissions=every),
    )

    assert User.objects.get(pk=alice.pk).email == "a@b.cd"
    assert (alice.groups.count(), alice.user_permissions.count()) == (0, 2)


def test_a_superuser_is_out_of_the_reach_of_whoever_is_none(administrator, staff):
    changed = administrator.post(reverse("admin:accounts_user_change", args=[staff.pk]), {"username": "mine"})
    password = administrator.post(
        reverse("admin:auth_user_password_change", args=[staff.pk]), {"password1": "long enough 4 me", "password2": "long enough 4 me"}
    )
    removed = administrator.post(reverse("admin:accounts_user_do", args=[staff.pk, "remove_one"]), {"confirmed": "yes"})
    do(administrator, staff, "block_one", confirmed="yes")

    assert (changed.status_code, password.status_code, removed.status_code) == (403, 403, 403)
    left = User.objects.get(pk=staff.pk)
    assert (left.username, left.is_active, left.password) == ("staff", True, staff.password)
