"""What staff do by hand about plans, limits and usage, and that it stays to be seen who did what."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.html import strip_tags

from accounts.models import Override, Plan, Quota, Replay, User
from accounts.quotas import allowance
from tests.factories import PERIOD, make_item, make_usage

pytestmark = pytest.mark.shapes("embedded", "deployed")

FORM = {"name": "small", "span": "month", "time_zone": "UTC", "reuse_percent": "0"}


def add_plan(desk: Client, **fields: str):
    return desk.post(reverse("admin:accounts_plan_add"), {**FORM, **fields})


def change_plan(desk: Client, plan: Plan, **fields: str):
    return desk.post(reverse("admin:accounts_plan_change", args=[plan.pk]), {**FORM, "name": plan.name, **fields})


def user_form(desk: Client, user: User) -> dict[str, str]:
    """What the page of a user would send as it is."""
    form = desk.get(reverse("admin:accounts_user_change", args=[user.pk])).context["adminform"].form
    values = {name: form.get_initial_for_field(field, name) for name, field in form.fields.items()}
    joined = values.pop("date_joined")
    texts = {name: str(value) for name, value in values.items() if value and name not in ("groups", "user_permissions", "password")}
    empty = {"override-TOTAL_FORMS": "1", "override-INITIAL_FORMS": "0", "override-0-owner": str(user.pk)}
    parts = {"date_joined_0": f"{joined:%Y-%m-%d}", "date_joined_1": f"{joined:%H:%M:%S}"}
    return {**texts, **empty, **parts, **{f"initial-{name}": text for name, text in parts.items()}}


def change_user(desk: Client, user: User, **fields: str) -> None:
    response = desk.post(reverse("admin:accounts_user_change", args=[user.pk]), {**user_form(desk, user), **fields})
    assert response.status_code == 302, response.context["errors"]


def history() -> list[tuple[str, str]]:
    """Everything that was written down, the first first: of what, and what."""
    return [(entry.object_repr, entry.get_change_message()) for entry in LogEntry.objects.order_by("pk")]


# ── Plans ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_plans_are_added_changed_and_deleted_and_the_history_tells_of_it(desk):
    add_plan(desk, characters="1000")
    plan = Plan.objects.get()
    change_plan(desk, plan, characters="2000")
    assert Plan.objects.get().characters == 2000
    desk.post(reverse("admin:accounts_plan_delete", args=[plan.pk]), {"post": "yes"})

    assert not Plan.objects.exists()
    assert history() == [("small", "Added."), ("small", "Changed Characters from 1000 to 2000."), ("small", "")]
    assert set(LogEntry.objects.values_list("user__username", flat=True)) == {"staff"}


def test_a_plan_that_becomes_the_default_takes_it_from_the_one_that_was(desk):
    first = Plan.objects.create(name="first", is_default=True)
    second = Plan.objects.create(name="second")

    assert change_plan(desk, second, is_default="on").status_code == 302

    assert dict(Plan.objects.values_list("name", "is_default")) == {"first": False, "second": True}
    assert history() == [(first.name, "No longer the default: second is."), (second.name, "Changed Is default from False to True.")]


def test_a_new_plan_may_be_the_default_at_once(desk):
    Plan.objects.create(name="first", is_default=True)

    assert add_plan(desk, is_default="on").status_code == 302

    assert Plan.objects.get(is_default=True).name == "small"


def test_the_default_stays_where_it_is_when_its_plan_is_changed(desk):
    plan = Plan.objects.create(name="first", is_default=True)

    change_plan(desk, plan, is_default="on", characters="7")

    assert history() == [("first", "Changed Characters from nothing to 7.")]
    assert Plan.objects.get(is_default=True).characters == 7


def test_there_may_be_no_default_at_all(desk, alice):
    change_plan(desk, Plan.objects.create(name="first", is_default=True, characters=1))

    assert allowance(alice).plan.name == ""


def test_two_who_choose_a_default_at_once_are_both_heard(transactional_db, staff):
    Plan.objects.create(name="first", is_default=True)
    plans = [Plan.objects.create(name=name) for name in ("a", "b", "c", "d")]

    def choose(plan: Plan) -> Any:
        try:
            client = Client()
            client.force_login(staff)
            return change_plan(client, plan, is_default="on").status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(len(plans)) as threads:
        assert set(threads.map(choose, plans)) == {302}

    assert Plan.objects.filter(is_default=True).count() == 1
    assert sum("No longer the default" in message for _, message in history()) == len(plans)


def test_a_plan_keeps_what_was_said_only_where_staff_chose_so(desk):
    add_plan(desk)
    add_plan(desk, name="large", keep_transcripts="on")

    assert dict(Plan.objects.values_list("name", "keep_transcripts")) == {"small": False, "large": True}


@pytest.mark.parametrize(
    "fields", [{"time_zone": "Mars/Olympus"}, {"reuse_percent": "101"}, {"characters": "-1"}, {"span": "year"}, {"name": "taken"}]
)
def test_a_plan_that_can_not_be_is_not_saved(desk, fields):
    Plan.objects.create(name="taken")

    response = add_plan(desk, **fields)

    assert response.status_code == 200
    assert set(response.context["adminform"].form.errors) == set(fields)


def test_a_plan_that_people_have_is_not_deleted(desk, alice):
    plan = Plan.objects.create(name="first")
    User.objects.filter(pk=alice.pk).update(plan=plan)

    desk.post(reverse("admin:accounts_plan_delete", args=[plan.pk]), {"post": "yes"})

    assert Plan.objects.exists()


# ── People ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_user_is_given_a_plan_and_the_history_tells_of_it(desk, alice):
    plan = Plan.objects.create(name="large", characters=9)

    change_user(desk, alice, plan=str(plan.pk))

    assert allowance(User.objects.get(pk=alice.pk)).plan == plan
    assert history() == [("alice", "Changed Plan from nothing to large.")]


def test_limits_of_ones_own_are_set_on_the_page_of_the_user_and_the_history_tells_of_it(desk, alice):
    change_user(desk, alice, **{"override-0-characters": "7", "override-0-reason": "a trial"})

    assert allowance(alice).limits["characters"] == 7
    assert history() == [("alice", "Added override “limits of alice”.")]


def test_limits_of_ones_own_are_taken_away_again(desk, alice):
    row = Override.objects.create(owner=alice, characters=7)

    change_user(desk, alice, **{"override-INITIAL_FORMS": "1", "override-0-id": str(row.pk), "override-0-DELETE": "on"})

    assert not Override.objects.exists()
    assert history() == [("alice", "Deleted override “limits of alice”.")]


def test_a_user_who_is_saved_as_he_was_gets_no_limits_of_his_own(desk, alice):
    change_user(desk, alice)

    assert not Override.objects.exists()


def test_a_new_user_is_asked_for_a_name_and_a_password_only(desk):
    page = desk.get(reverse("admin:accounts_user_add")).content.decode()

    assert "override-0" not in page


def test_whoever_may_not_change_limits_does_not(alice, client):
    viewer = User.objects.create_user("viewer", password="x", is_staff=True)
    client.force_login(viewer)

    assert add_plan(client).status_code == 403
    assert client.get(reverse("admin:accounts_user_change", args=[alice.pk])).status_code == 403


# ── What was used ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def make_quota(owner: User, **fields: int) -> Quota:
    return Quota.objects.create(owner=owner, starts_at=PERIOD, ends_at=PERIOD.replace(month=2), **fields)


def cells(desk: Client, *classes: str) -> list[str]:
    """What the first row's cells in the list of quotas say."""
    page = desk.get(reverse("admin:accounts_quota_changelist")).content.decode()
    found = [page.partition(f'class="field-{name}')[2].partition(">")[2].partition("</td>")[0] for name in classes]
    return [strip_tags(cell).strip() for cell in found]


def test_the_list_of_quotas_tells_what_is_used_reserved_allowed_and_how_much_of_it(desk, alice):
    Plan.objects.create(name="small", is_default=True, characters=1000, speech_seconds=10)
    Override.objects.create(owner=alice, characters=200)
    make_quota(alice, characters=50, characters_reserved=25, speech_ms=2500, speech_ms_reserved=1000)

    assert cells(desk, "characters_bar", "speech_bar", "conversion_bar") == [
        "50 + 25 reserved of 200 (37 %)",
        "2.5 + 1 reserved of 10 (35 %)",
        "0, no limit",
    ]


@pytest.mark.parametrize(("limit", "shown"), [(None, "5, no limit"), (0, "5 of 0 (100 %)"), (3, "5 of 3 (166 %)")])
def test_the_list_of_quotas_knows_limits_of_every_size(desk, alice, limit, shown):
    Plan.objects.create(name="small", is_default=True, characters=limit)
    make_quota(alice, characters=5)

    assert cells(desk, "characters_bar") == [shown]


def test_the_list_of_quotas_takes_as_many_queries_for_many_people(desk, alice):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            desk.get(reverse("admin:accounts_quota_changelist"))
        return len(captured)

    make_quota(alice)
    few = queries()
    for number in range(5):
        make_quota(User.objects.create_user(f"user{number}"))

    assert queries() == few


def test_nobody_changes_counters_or_the_ledger_by_hand(desk, alice):
    quota = make_quota(alice, characters=5)
    usage = make_usage(make_item(alice))

    for row in (quota, usage):
        name = f"admin:accounts_{row._meta.model_name}"
        assert desk.post(reverse(f"{name}_change", args=[row.pk]), {"characters": "0"}).status_code == 403
        assert desk.post(reverse(f"{name}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403
        assert desk.get(reverse(f"{name}_add")).status_code == 403


def test_usage_is_found_by_whether_it_was_reused_and_by_period(desk, alice):
    for reused in (True, False):
        make_usage(make_item(alice), reused=reused, voice=f"voice {reused}")

    page = desk.get(
        reverse("admin:accounts_usage_changelist"), {"reused__exact": "1", "period_starts_at__gte": "2026-01-01 00:00:00+00:00"}
    )
    later = desk.get(reverse("admin:accounts_usage_changelist"), {"period_starts_at__gte": "2026-01-02 00:00:00+00:00"})

    assert [row.voice for row in page.context["cl"].result_list] == ["voice True"]
    assert not later.context["cl"].result_list


def test_of_an_idempotency_key_only_the_end_is_shown(desk, alice):
    replay = Replay.objects.create(owner=alice, key="a-secret-of-alice-1234", fingerprint="0" * 64, subject="job_1")

    for page in (
        desk.get(reverse("admin:accounts_replay_changelist")),
        desk.get(reverse("admin:accounts_replay_change", args=[replay.pk])),
        desk.get(reverse("admin:accounts_replay_delete", args=[replay.pk])),
    ):
        text = page.content.decode()
        assert "…1234" in text
        assert "alice-1234" not in text
    assert desk.get(reverse("admin:accounts_replay_changelist"), {"key__startswith": "a"}).status_code == 400
