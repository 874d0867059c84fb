from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.db.models import F
from django.test import override_settings
from django.urls import reverse

from accounts.models import AuditEntry, Deed, Plan, User
from accounts.roles import Role
from jobs.purging import purge
from tests.conftest import PASSWORD
from tests.factories import make_item, make_output

LOGIN = "/admin/login/"


def entries(deed: Deed) -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(deed=deed))


def test_an_action_is_written_down_with_who_did_what_to_what_from_where(staff, client, alice):
    job = make_item(alice).job
    client.force_login(staff)

    response = client.post(reverse("admin:jobs_job_changelist"), {"action": "cancel", "_selected_action": [job.pk]})

    (entry,) = entries(Deed.CHANGED)
    assert (entry.who, entry.who_name, entry.row_id, entry.detail) == (staff, "staff", job.pk, "cancelled")
    assert (entry.address, entry.request_id) == ("127.0.0.1", response["x-request-id"])


def test_a_change_tells_what_was_and_what_is(staff, client):
    plan = Plan.objects.create(name="small", characters=100)
    client.force_login(staff)
    page = reverse("admin:accounts_plan_change", args=[plan.pk])
    fields = {name: "" if value is None else value for name, value in client.get(page).context["adminform"].form.initial.items()}

    client.post(page, {**fields, "characters": 200})

    (entry,) = entries(Deed.CHANGED)
    assert "from 100 to 200" in entry.detail


def test_sign_ins_are_written_down_those_that_failed_too(staff, client):
    client.post(LOGIN, {"username": "nobody\0", "password": "wrong"})
    client.post(LOGIN, {"username": "staff", "password": "wrong"})
    client.post(LOGIN, {"username": "staff", "password": PASSWORD})
    client.post("/admin/logout/")

    assert [entry.who_name for entry in entries(Deed.NOT_LET_IN)] == ["staff"]
    assert [entry.who for entry in (*entries(Deed.SIGNED_IN), *entries(Deed.SIGNED_OUT))] == [staff, staff]


@override_settings(SIGN_IN_RATE="2/m")
def test_passwords_are_not_tried_without_end(staff, client):
    for _ in range(2):
        client.post(LOGIN, {"username": "staff", "password": "wrong"})

    response = client.post(LOGIN, {"username": "staff", "password": PASSWORD})

    assert response.status_code == 200
    assert "Too many requests" in response.content.decode()
    assert not entries(Deed.SIGNED_IN)


def test_who_listens_to_an_output_is_written_down_once_for_all_its_ranges(staff, client, alice):
    output = make_output(alice, b"sound")
    client.force_login(staff)
    source = reverse("admin:jobs_output_content", args=[output.pk])

    for asked in ("bytes=0-1", "bytes=2-4"):
        client.get(source, headers={"Range": asked})

    (entry,) = entries(Deed.HEARD)
    assert (entry.who, entry.row_id, entry.kind and entry.kind.model) == (staff, output.pk, "output")


def test_that_staff_changed_their_own_password_is_written_down(staff, client):
    client.force_login(staff)
    AuditEntry.objects.all().delete()
    other = "another long one"
    address = reverse("admin:password_change")

    client.post(address, {"old_password": "wrong", "new_password1": other, "new_password2": other})
    client.post(address, {"old_password": PASSWORD, "new_password1": other, "new_password2": other})

    (entry,) = AuditEntry.objects.all()
    assert (entry.who, entry.row_id, entry.detail) == (staff, str(staff.pk), "own password")


def test_who_leaves_out_the_beginning_is_written_down_too(staff, client, alice):
    output = make_output(alice, b"sound")
    client.force_login(staff)

    for _ in range(2):
        client.get(reverse("admin:jobs_output_content", args=[output.pk]), headers={"Range": "bytes=1-"})

    (entry,) = entries(Deed.HEARD)
    assert (entry.who, entry.row_id) == (staff, output.pk)


def test_nobody_changes_or_deletes_an_entry(staff, client):
    client.force_login(staff)
    client.post("/admin/logout/")
    client.force_login(staff)
    entry = AuditEntry.objects.get()

    deleted = client.post(reverse("admin:accounts_auditentry_delete", args=[entry.pk]), {"post": "yes"})
    changed = client.post(reverse("admin:accounts_auditentry_change", args=[entry.pk]), {"who_name": "bob"})
    listed = client.get(reverse("admin:accounts_auditentry_changelist"), {"q": "staff"})

    assert (deleted.status_code, changed.status_code) == (403, 403)
    assert AuditEntry.objects.get().who_name == "staff"
    assert "delete_selected" not in listed.content.decode()
    assert "signed out" in listed.content.decode()


def test_an_entry_outlives_whoever_did_it(db, client):
    gone = User.objects.create_user("gone", password=PASSWORD, is_staff=True)
    gone.groups.add(Group.objects.get(name=Role.VIEWER))
    client.post(LOGIN, {"username": "gone", "password": PASSWORD})

    gone.delete()

    assert [(entry.who, entry.who_name) for entry in entries(Deed.SIGNED_IN)] == [(None, "gone")]


def test_an_entry_outlives_what_it_was_done_to(staff, client):
    plan = Plan.objects.create(name="small")
    client.force_login(staff)

    client.post(reverse("admin:accounts_plan_delete", args=[plan.pk]), {"post": "yes"})

    assert [entry.row_name for entry in entries(Deed.DELETED)] == ["small"]


@pytest.mark.parametrize(("age", "kept"), [(timedelta(days=9), 1), (timedelta(days=11), 0)])
def test_entries_are_kept_for_a_time(staff, settings, age, kept):
    settings.AUDIT_FOR = timedelta(days=10)
    AuditEntry.objects.create(deed=Deed.SIGNED_IN, who_name="staff")
    AuditEntry.objects.update(at=F("at") - age)

    purge()

    assert AuditEntry.objects.count() == kept
