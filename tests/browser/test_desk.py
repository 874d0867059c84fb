"""The admin in a real browser, as each of the staff: `make browser`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright")

from playwright.sync_api import Browser, expect

from tests.browser.staff import DESKTOP, PASSWORD, PHONE, at_the_desk, chromium
from tests.e2e.system import System, running

SHOWN = Path(__file__).resolve().parents[2] / "build" / "browser"
# screenshots, for whoever wants to look
LOOKS = [(size, scheme) for size in ("desktop", "phone") for scheme in ("light", "dark")]
FURNISH = f"""
import random
from datetime import timedelta
from django.contrib.auth.models import Group
from django.db.models.functions import Now
from accounts.models import Override, Plan, User
from accounts.tokens import issue_key, sign_in
from jobs.models import Delivery, Item, Webhook
from tests.factories import *
from voice.lexicons import make_lexicon
from voice.models import ModelAlias, VoiceAlias
User.objects.create_superuser("boss", "boss@example.org", {PASSWORD!r})
for group in Group.objects.all():
    User.objects.create_user(group.name, f"{{group.name}}@example.org", {PASSWORD!r}, is_staff=True).groups.add(group)
User.objects.create_user("nobody", "", {PASSWORD!r}, is_staff=True)
plan = Plan.objects.create(name="small", characters=100_000)
owner = User.objects.create_user("somebody.with-a-long-name@of.a.company.example", plan=plan)
Override.objects.create(owner=owner, characters=200_000, reason="asked for it")
key, _ = issue_key(owner=owner, name="a key", scopes=[])
sign_in(owner)
for n in range(30):
    output = make_output(owner, random.randbytes(500 + n))
    state = "failed" if n % 5 == 0 else "completed"
    code = "upstream_unavailable" if state == "failed" else ""
    since = Now() - timedelta(minutes=2 * n)
    Item.objects.filter(pk=output.item_id).update(state=state, error_code=code, error_message=code, started_at=since, finished_at=since)
    usage = make_usage(output.item, api_key=key, characters=100 * n, kind=["speech", "transcription", "conversion"][n % 3])
    type(usage).objects.filter(pk=usage.pk).update(created_at=Now() - timedelta(days=n))
consent = make_consent(owner, state="pending")
make_sample(make_voice(owner=owner, name="mine", consent=consent), findings={{"level": "low"}})
VoiceAlias.objects.get_or_create(name="alias", defaults={{"voice": make_voice(name="berta")}})
ModelAlias.objects.get_or_create(name="a-model")
make_lexicon(owner=owner, name="names", language="", entries=[])
make_live_session(owner, first_audio_ms=640, seen_at=Now() + timedelta(hours=1))
hook = Webhook.objects.create(owner=owner, url="https://example.org/told")
Delivery.objects.create(owner=owner, webhook=hook, job=output.job, event="job.completed", payload={{}}, state="failed")
print(*Group.objects.values_list("name", flat=True))
"""

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    SHOWN.mkdir(parents=True, exist_ok=True)
    with running(tmp_path_factory.mktemp("system")) as embedded:
        yield embedded


@pytest.fixture(scope="module")
def roles(system: System) -> list[str]:
    """The groups of staff, each with a member of its name; and a row of everything."""
    return system.shell(FURNISH).split()


def looking(size: str, scheme: str) -> dict[str, Any]:
    return {"viewport": PHONE if size == "phone" else DESKTOP, "color_scheme": scheme}


@pytest.mark.parametrize(("size", "scheme"), LOOKS)
def test_every_page_can_be_read_and_loads_nothing_from_elsewhere(system, browser, roles, size, scheme):
    with at_the_desk(browser, system.url, **looking(size, scheme)) as staff:
        staff.go("/admin/login/")
        staff.audit()
        staff.shot(SHOWN, f"login-{size}-{scheme}")
        staff.enter("boss")
        staff.audit()
        staff.shot(SHOWN, f"front-{size}-{scheme}")
        lists = staff.lists()
        for path in [*lists, "/admin/password_change/"]:
            name = path.strip("/").replace("/", "-").removeprefix("admin-")
            staff.go(path)
            staff.audit()
            staff.shot(SHOWN, f"{name}-{size}-{scheme}")
            add = staff.page.locator(f"a[href^='{path}add/']").count()
            if row := staff.row():
                staff.go(row)
                staff.audit()
                staff.shot(SHOWN, f"{name}-row-{size}-{scheme}")
            if add:
                staff.go(f"{path}add/")
                staff.audit()

    assert len(lists) > 15
    assert staff.wrong == []


def test_each_role_sees_what_it_may_and_no_more(system, browser, roles):
    seen = {}
    for role in roles:
        with at_the_desk(browser, system.url, **looking("phone", "dark")) as staff:
            staff.enter(role)
            staff.audit()
            staff.shot(SHOWN, f"front-{role}")
            seen[role] = staff.lists()
            for path in seen[role]:
                staff.go(path)
                if row := staff.row():
                    staff.go(row)
                    staff.audit()
            assert staff.wrong == []

    assert all(seen.values())


def test_who_has_no_role_is_told_so(system, browser, roles):
    with at_the_desk(browser, system.url, **looking("phone", "light")) as staff:
        staff.enter("nobody")
        expect(staff.page.get_by_text("Your account has no role")).to_be_visible()
        assert staff.lists() == []
        staff.audit()
        staff.page.goto(f"{system.url}/admin/nothing/here/")
        expect(staff.page.get_by_role("heading", name="There is nothing here")).to_be_visible()
        staff.page.goto(f"{system.url}/admin/jobs/item/")
        expect(staff.page.get_by_role("heading", name="This is not yours to do")).to_be_visible()
        staff.shot(SHOWN, "fault")

    assert [each for each in staff.wrong if "404" not in each and "403" not in each] == []


def test_the_front_page_follows_what_happens_until_it_is_paused(system, browser, roles):
    count = "from tests.factories import *; make_live_session(User.objects.get(username='boss'), seen_at=Now() + timedelta(hours=1))"
    with at_the_desk(browser, system.url, **looking("desktop", "light")) as staff:
        staff.enter("boss")
        tile = staff.page.locator("#panel-tiles a", has_text="Live sessions").locator("strong")
        before = int(tile.inner_text())
        staff.page.locator("#numbers-seconds summary").click()
        system.shell(count)
        expect(tile).to_have_text(str(before + 1), timeout=30_000)
        expect(staff.page.locator("#numbers-seconds")).to_have_attribute("open", "")
        staff.page.get_by_role("button", name="Pause updates").click()
        expect(staff.page.locator("#desk-state")).to_have_text(re.compile("Paused at"))

    assert staff.wrong == []


def test_the_desk_works_by_keyboard_and_finds_a_row_by_its_id(system, browser, roles):
    item = system.shell("from jobs.models import Item; print(Item.objects.first().pk)")
    with at_the_desk(browser, system.url, **looking("desktop", "light")) as staff:
        staff.enter("boss")
        staff.page.keyboard.press("Control+k")
        staff.page.keyboard.type(item)
        expect(staff.page.locator("#command-results")).to_contain_text(item, timeout=30_000)
        staff.shot(SHOWN, "found")
        staff.page.keyboard.press("Enter")
        staff.page.wait_for_url(f"**/jobs/item/{item}/change/")

    assert staff.wrong == []
