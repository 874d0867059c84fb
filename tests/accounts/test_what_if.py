"""What lowering a plan's limits would do, told before it is done."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Override, Plan, Quota, User
from accounts.plan_admin import ASKED
from accounts.quotas import period
from tests.factories import make_output, make_voice

pytestmark = pytest.mark.shapes("embedded", "deployed")

FORM = {"name": "small", "span": "month", "time_zone": "UTC", "reuse_percent": "0"}


@pytest.fixture
def plan(alice: User, bob: User) -> Plan:
    """Alice has it and has used 900 characters of it, bob has no plan of his own."""
    plan = Plan.objects.create(name="small", is_default=True, characters=1000)
    User.objects.filter(pk=alice.pk).update(plan=plan)
    starts_at, ends_at = period(plan, timezone.now())
    Quota.objects.create(owner=alice, starts_at=starts_at, ends_at=ends_at, characters=600, characters_reserved=300)
    Quota.objects.create(owner=bob, starts_at=starts_at, ends_at=ends_at, characters=100, speech_ms=5_000)
    return plan


def send(desk: Client, plan: Plan, **fields: str) -> Any:
    """The answer to the plan's form, sent with everything else as it is."""
    return desk.post(reverse("admin:accounts_plan_change", args=[plan.pk]), {**FORM, "is_default": "on", **fields})


def problem(response: Any) -> str:
    return " ".join(response.context["adminform"].form.non_field_errors())


def test_who_would_be_over_is_told_before_a_limit_is_lowered(desk, plan):
    first = send(desk, plan, characters="500")

    assert "characters: 1 has more than 500 now: alice (900)." in problem(first)
    assert Plan.objects.get().characters == 1000
    seen = first.context["adminform"].form["seen"].value()
    assert send(desk, plan, characters="500", seen=seen).status_code == 302
    assert Plan.objects.get().characters == 500


def test_who_has_read_of_one_limit_has_not_read_of_another(desk, plan):
    seen = send(desk, plan, characters="500").context["adminform"].form["seen"].value()

    other = send(desk, plan, characters="50", seen=seen)

    assert "2 have more than 50 now: alice (900), bob (100)." in problem(other)
    assert Plan.objects.get().characters == 1000


@pytest.mark.parametrize("characters", ["2000", "1000", "", "950"])
def test_where_nobody_would_be_over_it_is_saved_at_once(desk, plan, characters):
    assert send(desk, plan, characters=characters).status_code == 302


def test_whoever_only_asks_saves_nothing(desk, plan):
    asked = send(desk, plan, characters="950", **{ASKED: "yes"})

    assert "Nobody has more now" in asked.content.decode()
    assert "No limit would be lower" in send(desk, plan, characters="2000", **{ASKED: "yes"}).content.decode()
    assert Plan.objects.get().characters == 1000


def test_limits_of_ones_own_are_not_those_of_the_plan(desk, plan, alice):
    Override.objects.create(owner=alice, characters=5000)

    assert send(desk, plan, characters="500").status_code == 302


def test_what_other_rooms_count_is_told_too(desk, plan, alice):
    make_output(alice, b"x" * 100)
    make_voice(owner=alice)

    told = problem(send(desk, plan, characters="1000", stored_bytes="99", custom_voices="0", concurrent_jobs="0", speech_seconds="4"))

    assert "stored bytes: 1 has more than 99 now: alice (100)." in told
    assert "custom voices: 1 has more than 0 now: alice (1)." in told
    assert "concurrent jobs: 1 has more than 0 now: alice (1)." in told
    assert "speech seconds: 1 has more than 4 now: bob (5)." in told


def test_people_of_other_plans_are_not_asked_about(desk, plan, alice):
    User.objects.filter(pk=alice.pk).update(plan=Plan.objects.create(name="large"))

    assert send(desk, plan, characters="500").status_code == 302
