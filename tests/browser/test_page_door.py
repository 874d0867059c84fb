"""Coming in at the page, and what is left of it when a session ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("playwright")

from playwright.sync_api import Route, expect

from tests.browser.people import DESKTOP, PHONE, at_the_page, says
from tests.e2e.system import System
from tests.waiting import wait_until

TEXT = "Nothing of this may be lost."
END = "from accounts.models import SignIn; [each.end() for each in SignIn.objects.live()]"
LATE = """
  window.opened = null;
  const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  const allowed = new Promise((resolve) => (window.allow = resolve));
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    await allowed;
    return (window.opened = await ask(wanted));
  };
"""
# somebody who thinks about it before he allows the microphone

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def test_who_is_refused_is_told_why_and_may_try_again(service: System, tmp_path: Path):
    with at_the_page(says(tmp_path, 1.0), viewport=PHONE) as person:
        page = person.page
        page.goto(service.url)
        person.look("door-phone")
        page.get_by_label("User name").fill("admin")
        page.get_by_label("Password").fill("wrong")
        page.get_by_role("button", name="Sign in").click()
        expect(page.locator("#enter-fault")).to_contain_text("password is wrong")
        page.get_by_text("Use an API key instead").click()
        for wrong, told in (("sk-wrong", "not valid"), ("schlüssel", "not an API key")):
            page.get_by_label("API key").fill(wrong)
            page.get_by_role("button", name="Continue").click()
            expect(page.locator("#key-fault")).to_contain_text(told)
        page.set_viewport_size(DESKTOP)
        person.look("door-fault")
        page.get_by_label("API key").fill(service.key)
        page.get_by_role("button", name="Continue").click()
        expect(page.locator("#name")).to_have_text("admin")


def test_a_password_is_kept_nowhere_and_the_sign_in_outlives_a_reload_until_one_signs_out(service: System, tmp_path: Path):
    with at_the_page(says(tmp_path, 1.0)) as person:
        page = person.page
        person.sign_in(service, "usage")
        page.reload()
        expect(page.locator("#usage")).to_be_visible()
        kept = page.evaluate("JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie])")
        refresh = json.loads(json.loads(kept)[1]["voice-session"])["refresh"]
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_label("User name")).to_be_visible()
        after = page.evaluate("JSON.stringify([{ ...localStorage }, { ...sessionStorage }])")
        page.reload()
        expect(page.get_by_label("User name")).to_be_visible()

    assert service.password not in kept
    assert refresh not in after
    with service.client() as client:
        assert client.post("/v1/auth/refresh", json={"refresh": refresh}).status_code == 401


def test_a_session_that_ended_is_begun_again_without_losing_the_text(service: System, tmp_path: Path):
    with at_the_page(says(tmp_path, 1.0)) as person:
        page = person.page
        person.sign_in(service)
        page.get_by_label("Text", exact=True).fill(TEXT)
        service.shell(END)
        page.get_by_role("button", name="Speak", exact=True).click()
        expect(page.locator("#door-ended")).to_contain_text("what you typed is still here")
        person.look("door-ended")
        page.get_by_label("User name").fill("admin")
        page.get_by_label("Password").fill(service.password)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_label("Text", exact=True)).to_have_value(TEXT)
        page.get_by_role("button", name="Speak", exact=True).click()
        expect(page.locator("#speak-state")).to_contain_text("s of speech")


def test_whoever_signs_in_next_sees_nothing_of_who_was_there_before(service: System, tmp_path: Path):
    other = service.another_user("berta")["Authorization"].removeprefix("Bearer ")
    with at_the_page(says(tmp_path, 1.0)) as person:
        page = person.page
        person.sign_in(service)
        page.get_by_label("Text", exact=True).fill(TEXT)
        page.get_by_role("button", name="Sign out").click()
        person.enter(service.url, other)
        expect(page.locator("#name")).to_have_text("berta")

        assert TEXT not in page.content()
        assert page.get_by_label("Text", exact=True).input_value() != TEXT


def test_a_token_that_ran_out_is_changed_for_another_unseen(service: System, tmp_path: Path):
    refused: list[str] = []

    def once(route: Route) -> None:
        if refused:
            route.continue_()
        else:
            refused.append(route.request.url)
            route.fulfill(status=401, json={"error": {}})

    with at_the_page(says(tmp_path, 1.0)) as person:
        page = person.page
        person.sign_in(service, "keys")
        page.route("**/v1/usage*", once)
        person.go("usage")
        expect(page.locator("#usage-period")).to_contain_text("until")

        assert [url for url in person.asked if url.endswith("/v1/auth/refresh")]
        expect(page.locator("#door")).to_be_hidden()


def test_a_tab_that_is_duplicated_does_not_end_the_sign_in_of_the_first(service: System, tmp_path: Path):
    with at_the_page(says(tmp_path, 1.0)) as person:
        page = person.page
        person.sign_in(service, "usage")
        copied = page.evaluate("sessionStorage.getItem('voice-session')")
        copy = page.context.new_page()
        copy.goto(service.url)
        copy.evaluate("(kept) => sessionStorage.setItem('voice-session', kept)", copied)
        copy.reload()
        expect(copy.locator("#enter-fault")).to_contain_text("Another tab")
        page.reload()
        expect(page.locator("#usage")).to_be_visible()

        assert page.evaluate("sessionStorage.getItem('voice-session')") != copied


def test_a_recording_that_was_allowed_too_late_is_not_begun(service: System, tmp_path: Path):
    with at_the_page(says(tmp_path, 1.0)) as person:
        page = person.page
        page.add_init_script(LATE)
        person.sign_in(service, "listen")
        page.get_by_role("button", name="Record", exact=True).click()
        page.get_by_role("button", name="Sign out").click()
        page.evaluate("allow()")

        wait_until(lambda: page.evaluate("opened?.getTracks().every((track) => track.readyState === 'ended')"))


def test_whoever_skips_to_the_content_stays_where_he_is(service: System, tmp_path: Path):
    with at_the_page(says(tmp_path, 1.0)) as person:
        page = person.page
        person.sign_in(service, "usage")
        page.locator(".skip").focus()
        page.keyboard.press("Enter")

        expect(page.locator("#main")).to_be_focused()
        expect(person.panel("usage")).to_be_visible()
