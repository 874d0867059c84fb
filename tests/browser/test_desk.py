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
CREATE_SAMPLE_DATA = f"from tests.browser.sample_data import create_sample_data; print(create_sample_data({PASSWORD!r}))"

ASKED = {
    "/admin/accounts/apikey/": "revoke",
    "/admin/accounts/user/": "block",
    "/admin/jobs/output/": "forget",
    "/admin/voice/voice/": "delete_selected",
}
# actions that ask first, by their lists
WRONG = [("/admin/constance/config/", "WRITE_RATE", "often"), ("/admin/accounts/plan/add/", "time_zone", "Nowhere")]
# what a form does not take

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]


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
    return system.shell(CREATE_SAMPLE_DATA).split()


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
        lists, seen = staff.lists(), set[str]()
        for path in [*lists, "/admin/password_change/"]:
            name = path.strip("/").replace("/", "-").removeprefix("admin-")
            staff.go(path)
            staff.audit()
            staff.shot(SHOWN, f"{name}-{size}-{scheme}")
            ways = staff.ways()
            if row := staff.row():
                staff.go(row)
                staff.audit()
                staff.shot(SHOWN, f"{name}-row-{size}-{scheme}")
                ways |= staff.ways()
            for kind in sorted(ways.keys() - seen):
                staff.go(ways[kind])
                staff.audit()
                staff.shot(SHOWN, f"{kind}-{size}-{scheme}")
            seen |= ways.keys()

    assert len(lists) > 15
    assert {"history", "delete", "add", "cancel", "priority", "voice", "end_one", "remove_one", "review"} <= seen
    assert staff.wrong == []


@pytest.mark.parametrize(("size", "scheme"), LOOKS)
def test_what_is_asked_before_something_is_done_can_be_read(system, browser, roles, size, scheme):
    with at_the_desk(browser, system.url, **looking(size, scheme)) as staff:
        staff.enter("boss")
        staff.go("/admin/accounts/plan/")
        staff.go(staff.row() or "")
        staff.page.get_by_label("Characters").fill("1")
        staff.page.get_by_role("button", name="What would this do?").click()
        expect(staff.page.get_by_text("Nothing is saved yet")).to_be_visible()
        staff.audit()
        staff.shot(SHOWN, f"what-if-{size}-{scheme}")
        for path, action in ASKED.items():
            staff.go(path)
            staff.page.locator("input[name=_selected_action]").first.check(force=True)
            staff.page.locator("select[name=action]").first.select_option(action, force=True)
            staff.page.locator("#changelist-form").evaluate("form => form.submit()")
            staff.page.wait_for_load_state("load")
            expect(staff.page.locator("[name=confirmed], [name=post]")).to_have_count(1)
            staff.audit()
            staff.shot(SHOWN, f"{action}-{size}-{scheme}")
        for path, field, value in WRONG:
            staff.go(path)
            staff.page.locator(f"[name={field}]").first.fill(value)
            staff.page.locator("button[name=_save], #changelist-form button[type=submit]").first.click()
            staff.page.wait_for_load_state("load")
            staff.audit()

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
        # what is typed before goes nowhere
        expect(staff.page.locator("#search-input-command")).to_be_focused()
        staff.page.keyboard.type(item)
        expect(staff.page.locator("#command-results")).to_contain_text(item, timeout=30_000)
        staff.shot(SHOWN, "found")
        staff.page.keyboard.press("ArrowDown")
        staff.page.keyboard.press("Enter")
        staff.page.wait_for_url(f"**/jobs/item/{item}/change/")

    assert staff.wrong == []
