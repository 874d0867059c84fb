from __future__ import annotations

import json
from functools import partial

import pytest
from django.core.management import CommandError
from rest_framework.test import APIClient

from accounts.models import ApiKey, AuditEntry, Deed, User


@pytest.fixture
def keys(manage):
    return partial(manage, "keys")


def test_a_key_is_made_shown_alone_and_works(alice, keys):
    token = keys("create", "alice", "--name", "phone", "--scope", "outputs", "--days", "3").strip()

    key = ApiKey.objects.get()
    assert (key.name, key.scopes) == ("phone", ["outputs"])
    assert key.expires_at is not None
    assert APIClient(HTTP_AUTHORIZATION=f"Bearer {token}").get("/v1/outputs").status_code == 200


def test_json_has_the_key_and_what_it_is(alice, keys):
    made = json.loads(keys("create", "alice", "--json"))

    assert (made["owner"], made["state"]) == ("alice", "active")
    assert made["id"] == ApiKey.objects.get().pk
    assert made["key"].count(".") == 2


def test_who_made_a_key_and_who_ended_it_stands_in_the_audit_log(alice, keys):
    made = json.loads(keys("create", "alice", "--json"))

    keys("revoke", made["id"])
    keys("revoke", made["id"])

    entries = AuditEntry.objects.order_by("pk").values_list("deed", "row_id", "detail")
    assert list(entries) == [(Deed.ADDED, made["id"], "for alice (manage.py)"), (Deed.CHANGED, made["id"], "revoked (manage.py)")]


def test_a_revoked_key_is_listed_only_when_all_are_wanted(alice, bob, keys):
    keys("create", "alice")
    keys("create", "bob")
    mine = ApiKey.objects.of(alice).get()

    assert "revoked" in keys("revoke", mine.pk)

    assert mine.pk not in keys("list")
    assert json.loads(keys("list", "--user", "alice", "--json")) == []
    assert [row["state"] for row in json.loads(keys("list", "--user", "alice", "--all", "--json"))] == ["revoked"]


def test_the_keys_of_a_blocked_owner_are_none_that_work(alice, keys):
    keys("create", "alice")
    User.objects.update(is_active=False)

    assert keys("list") == ""
    assert "owner blocked" in keys("list", "--all")


@pytest.mark.parametrize(
    "arguments", [("create", "zoe"), ("create", "alice", "--days", "9999"), ("create", "alice", "--name", ""), ("revoke", "key_none")]
)
def test_what_can_t_be_done_is_said(alice, keys, arguments):
    with pytest.raises(CommandError):
        keys(*arguments)

    assert not ApiKey.objects.exists()
