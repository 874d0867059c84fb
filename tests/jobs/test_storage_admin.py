from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.messages import get_messages
from django.contrib.messages.storage.cookie import CookieStorage
from django.core.files.storage import default_storage
from django.test import RequestFactory
from django.urls import reverse

from accounts.models import User
from jobs.models import Output
from jobs.storage_admin import Holds
from tests.factories import make_output


@pytest.fixture
def request_of():
    """A request to the admin, as somebody's."""

    def make(user: User) -> Any:
        request = RequestFactory().post("/admin/", {"post": "yes", "confirmed": "yes"})
        request.user = user
        request._messages = CookieStorage(request)  # type: ignore[attr-defined]
        request._dont_enforce_csrf_checks = True  # type: ignore[attr-defined]
        return request

    return make


def told(request: Any) -> list[str]:
    return [str(message) for message in get_messages(request)]


def test_outputs_are_held_and_released_and_that_is_written_down(alice, staff, request_of):
    output = make_output(alice)
    desk = Holds(Output, admin.site)
    rows = Output.objects.all()

    desk.hold(request_of(staff), rows)
    assert Output.objects.get().legal_hold
    desk.release(request_of(staff), rows)
    assert not Output.objects.get().legal_hold

    history = LogEntry.objects.filter(object_id=output.pk, user=staff).order_by("pk")
    assert [entry.change_message for entry in history] == ["put under legal hold", "released from legal hold"]


def test_holding_once_more_changes_nothing(alice, staff, request_of):
    make_output(alice, legal_hold=True)

    Holds(Output, admin.site).hold(request_of(staff), Output.objects.all())

    assert not LogEntry.objects.exists()


def test_a_held_output_is_not_deleted_and_the_others_are(transactional_db, alice, staff, request_of):
    held, free = make_output(alice, b"held", legal_hold=True), make_output(alice, b"free")
    request = request_of(staff)

    Holds(Output, admin.site).forget(request, Output.objects.all())

    assert Output.objects.get() == held
    assert (default_storage.exists(held.blob_id), default_storage.exists(free.blob_id)) == (True, False)
    assert any("legal hold" in message for message in told(request))
    assert [entry.object_id for entry in LogEntry.objects.all()] == [free.pk]


def test_a_held_output_is_not_deleted_from_its_page(transactional_db, alice, staff, request_of):
    held = make_output(alice, legal_hold=True)
    request = request_of(staff)

    response = Holds(Output, admin.site).delete_view(request, held.pk)

    assert (response.status_code, response["Location"]) == (302, reverse("admin:jobs_output_changelist"))
    assert any("legal hold" in message for message in told(request))
    assert Output.objects.exists()
    assert not LogEntry.objects.exists()


def test_only_whoever_may_change_outputs_may_hold_them(alice, staff, request_of):
    desk = Holds(Output, admin.site)
    viewer = User.objects.create_user("viewer", is_staff=True)

    assert {"forget", "hold", "release"} <= set(desk.get_actions(request_of(staff)))
    assert not {"forget", "hold", "release", "delete_selected"} & set(desk.get_actions(request_of(viewer)))


def test_staff_see_how_many_outputs_a_blob_is(alice, desk):
    make_output(alice, b"same")
    output = make_output(alice, b"same")
    listed = desk.get(reverse("admin:jobs_blob_changelist"))
    shown = desk.get(reverse("admin:jobs_blob_change", args=[output.blob_id]))

    assert re.search(r'<td class="field-named_by[^>]*>\s*2\s*</td>', listed.content.decode())
    assert shown.status_code == 200
