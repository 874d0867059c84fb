from __future__ import annotations

import io
import json
import os
import pwd
from functools import partial

import pytest
from django.core.management import CommandError

from accounts.models import AuditEntry, Plan, Usage, User
from jobs.models import Output
from tests.conftest import PASSWORD
from tests.factories import make_output, make_usage


@pytest.fixture
def users(manage):
    return partial(manage, "users")


def test_a_user_is_made_with_a_password_that_is_shown_once(db, users):
    Plan.objects.create(name="pro")

    told = users("create", "anna", "--plan", "pro", "--staff")

    anna = User.objects.get(username="anna")
    assert anna.check_password(told.split()[-1])
    assert (anna.is_staff, anna.is_superuser, str(anna.plan)) == (True, False, "pro")


def test_a_password_may_come_by_standard_input(db, users, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))

    told = users("create", "anna", "--stdin")

    assert PASSWORD not in told
    assert User.objects.get(username="anna").check_password(PASSWORD)


@pytest.mark.parametrize("arguments", [("create", "alice"), ("create", "two words"), ("create", "anna", "--plan", "none such")])
def test_who_can_t_be_made_is_not(alice, users, arguments):
    with pytest.raises(CommandError):
        users(*arguments)

    assert User.objects.count() == 1


def test_a_weak_password_is_refused(alice, users, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))

    with pytest.raises(CommandError, match="too short"):
        users("password", "alice", "--stdin")

    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)


def test_another_password_ends_what_was_signed_in(alice, users):
    before = alice.stamp

    told = users("password", "alice", "--generate")

    alice.refresh_from_db()
    assert alice.check_password(told.split()[-1])
    assert alice.stamp != before


def test_a_blocked_user_may_be_let_in_again(alice, users):
    assert "blocked" in users("block", "alice")
    assert "before" in users("block", "alice")
    assert not User.objects.get().is_active

    users("unblock", "alice")

    assert User.objects.get().is_active


def test_a_plan_is_given_and_taken(alice, users):
    Plan.objects.create(name="pro")

    users("plan", "alice", "pro")
    assert str(User.objects.get().plan) == "pro"

    users("plan", "alice", "--none")
    assert User.objects.get().plan is None


@pytest.mark.django_db(transaction=True)
def test_who_is_deleted_leaves_nothing_but_the_ledger(alice, bob, users):
    usage = make_usage(make_output(alice).item)
    kept = make_output(bob)

    assert "is deleted, with 3 rows and files" in users("delete", "alice", "--yes")

    left = User.objects.get(pk=alice.pk)
    assert (left.is_active, "alice" in left.username) == (False, False)
    assert list(Usage.objects.all()) == [usage]
    assert list(Output.objects.all()) == [kept]


def test_nobody_is_deleted_without_being_asked_about(alice, users):
    with pytest.raises(CommandError, match="--yes"):
        users("delete", "alice")

    assert User.objects.get().is_active


def test_what_is_under_legal_hold_is_not_deleted(alice, users):
    make_output(alice, legal_hold=True)

    with pytest.raises(CommandError, match="legal hold"):
        users("delete", "alice", "--yes")

    assert User.objects.get().is_active


def test_what_is_done_to_an_account_stands_in_the_audit_log(alice, users):
    users("block", "alice")
    users("block", "alice")
    users("password", "alice", "--generate")

    entries = list(AuditEntry.objects.order_by("pk"))
    assert [(entry.detail, entry.row_name, entry.who, entry.address) for entry in entries] == [
        ("blocked (manage.py)", "alice", None, ""),
        ("another password (manage.py)", "alice", None, ""),
    ]
    assert {entry.who_name for entry in entries} == {pwd.getpwuid(os.getuid()).pw_name}


def test_the_list_is_lines_or_json_and_obeys_its_filters(alice, staff, users):
    User.objects.filter(pk=alice.pk).update(is_active=False, email="a\x1b[2J@example.org")

    lines = users("list", "--blocked")
    [row] = json.loads(users("list", "--blocked", "--json"))

    assert lines.split("\t")[0] == "alice"
    assert "\x1b" not in lines
    assert (row["name"], row["state"], row["role"]) == ("alice", "blocked", "user")
    assert len(json.loads(users("list", "--limit", "1", "--json"))) == 1


def test_nobody_of_that_name_is_said_in_one_line(db, users):
    with pytest.raises(CommandError, match="There is no user 'zoe'"):
        users("block", "zoe")
