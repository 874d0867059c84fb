"""The admin's frame: its ways, its headers, and what it says when something can't be."""

from __future__ import annotations

import re

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from accounts.models import User
from config.desk import navigation
from config.desk.policy import POLICY
from tests.conftest import PASSWORD

INLINE = re.compile(r"\son\w+=|<style|<script(?![^>]*\ssrc=)(?! type=\"application/json\")|javascript:")
# of what the policy does not let in


def allow(user: User, *codenames: str) -> None:
    user.is_staff = True
    user.save()
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))


def test_the_sidebar_leads_to_every_list(desk):
    page = desk.get("/admin/").content.decode()

    for model in admin.site._registry:
        assert f'href="{reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")}"' in page
    assert {"/", "/docs"} <= set(re.findall(r'href="([^"]+)"', page))


def test_the_sidebar_leads_only_where_one_may_go(client, alice):
    allow(alice, "view_item")
    client.force_login(alice)

    page = client.get("/admin/").content.decode()

    assert reverse("admin:jobs_item_changelist") in page
    assert reverse("admin:jobs_job_changelist") not in page
    assert "People" not in page


def test_every_page_of_the_admin_has_its_policy(desk):
    for path in ("/admin/", "/admin/figures", "/admin/login/", "/admin/nothing/", "/admin/jobs/item/"):
        answer = desk.get(path)
        assert answer["Content-Security-Policy"] == POLICY
        assert INLINE.findall(answer.content.decode()) == []


def test_the_policy_names_no_other_host():
    sources = {source for part in POLICY.split("; ") for source in part.split(" ")[1:]}

    assert sources == {"'self'", "'none'", "'unsafe-eval'", "'unsafe-inline'", "data:", "blob:"}
    assert "script-src 'self' 'unsafe-eval'" in POLICY.split("; ")


@pytest.mark.parametrize(
    ("path", "status", "words"), [("/admin/nothing/", 404, "nothing here"), ("/admin/jobs/job/?q=%ff", 400, "not understood")]
)
def test_staff_are_told_in_words_what_went_wrong(desk, path, status, words):
    answer = desk.get(path)

    assert (answer.status_code, answer["Content-Type"]) == (status, "text/html; charset=utf-8")
    assert words in answer.content.decode()
    assert answer["x-request-id"] in answer.content.decode()


def test_staff_without_the_right_are_told_so_in_words(client, alice):
    allow(alice)
    client.force_login(alice)

    answer = client.get("/admin/jobs/job/")

    assert answer.status_code == 403
    assert "Your role does not allow it" in answer.content.decode()


def test_a_form_that_is_too_old_is_explained(staff):
    strict = Client(enforce_csrf_checks=True)

    answer = strict.post("/admin/login/", {"username": "staff", "password": PASSWORD})

    assert answer.status_code == 403
    assert "too old" in answer.content.decode()


def test_a_fault_of_ours_is_a_page_in_the_admin_and_json_elsewhere(desk, monkeypatch):
    desk.raise_request_exception = False
    monkeypatch.setattr("config.desk.panels.figures.queues", lambda: 1 / 0)

    answer = desk.get("/admin/")

    assert (answer.status_code, answer["Content-Type"]) == (500, "text/html; charset=utf-8")
    assert "Something went wrong here" in answer.content.decode()
    assert desk.get("/nothing").json()["error"]["code"] == "not_found"


def test_an_id_leads_to_its_row_for_those_who_may_see_it(desk, alice, rf):
    from tests.factories import make_item

    item = make_item(alice)
    request = rf.get("/")
    request.user = User.objects.get(username="staff")
    stranger = rf.get("/")
    stranger.user = alice

    (found,) = navigation.found(request, item.pk)

    assert found.link == reverse("admin:jobs_item_change", args=[item.pk])
    assert navigation.found(request, "item_nothing") == []
    assert navigation.found(stranger, item.pk) == []
