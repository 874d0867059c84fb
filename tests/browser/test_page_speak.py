"""Speaking a text at the page."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

pytest.importorskip("playwright")

from playwright.sync_api import expect

from tests.browser.people import PHONE, Person, at_the_page, says, understood
from tests.browser.relay import Relay
from tests.e2e.system import System
from tests.waiting import wait_until

SENTENCE = "The weather is very nice today."
WORDS = {"weather", "nice", "today"}
LONG = "The old man walked slowly down the street. Children like to play in the garden. " * 25
QUOTED = 'It\'s "quoted": $HOME `pwd` \\ ü\nand a second line.'
PLAN = """
from accounts.models import Plan, User
plan = Plan.objects.create(name="small", characters=60)
User.objects.filter(username="carla").update(plan=plan)
"""

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture
def person(tmp_path: Path) -> Iterator[Person]:
    with at_the_page(says(tmp_path, 1.0)) as somebody:
        yield somebody


def speak(person: Person, text: str) -> None:
    person.page.get_by_label("Text", exact=True).fill(text)
    person.page.get_by_role("button", name="Speak", exact=True).click()


def test_a_text_is_heard_and_its_words_light_up_and_it_is_saved_as_it_was_heard(service: System, tmp_path: Path):
    with at_the_page(says(tmp_path, 1.0), color_scheme="dark", viewport=PHONE) as person:
        page = person.page
        person.sign_in(service)
        speak(person, SENTENCE)
        wait_until(lambda: page.evaluate("document.querySelector('.lit')?.textContent") == "nice")
        person.look("speak-phone-dark")
        expect(page.get_by_role("button", name="Play again")).to_be_visible()
        recording = person.recording()
        before = len(person.asked)
        with page.expect_download() as download:
            page.get_by_role("button", name="Download").click()
        download.value.save_as(tmp_path / "speech.wav")
        page.get_by_role("slider", name="Position").press("End")

        assert [url for url in person.asked[before:] if "/v1/audio/speech" in url] == []
        assert person.errors == []
    assert understood(recording) >= WORDS
    assert understood((tmp_path / "speech.wav").read_bytes()) >= WORDS


def test_other_formats_are_made_for_the_download(service: System, person: Person, tmp_path: Path):
    page = person.page
    person.sign_in(service, "speak?format=mp3&speed=1.2")
    page.get_by_label("Text", exact=True).fill(SENTENCE)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    download.value.save_as(tmp_path / "speech.mp3")

    assert download.value.suggested_filename == "speech.mp3"
    assert understood((tmp_path / "speech.mp3").read_bytes()) >= WORDS


def test_a_voice_is_found_among_hundreds_by_its_language_and_is_still_chosen_after_a_reload(service: System, person: Person):
    page = person.page
    person.sign_in(service)
    page.locator("#speak .pick").click()
    page.get_by_role("searchbox").fill("german")
    expect(page.get_by_role("radio")).to_have_count(1)
    person.look("picker")
    page.get_by_role("searchbox").press("Enter")
    expect(page.locator("#picker")).to_be_hidden()
    expect(page.locator("#speak .pick")).to_contain_text("espeak-de")
    page.get_by_label("Text", exact=True).fill("Guten Morgen.")
    page.reload()
    expect(page.locator("#speak .pick")).to_contain_text("espeak-de")
    expect(page.get_by_label("Text", exact=True)).to_have_value("Guten Morgen.")
    page.set_viewport_size(PHONE)
    page.locator("#speak .pick").click()
    page.get_by_role("searchbox").fill("nothing is called so")
    expect(page.locator("#picker-count")).to_contain_text("No voice")
    person.look("picker-none-phone")


def test_a_text_is_shown_as_it_will_be_read_and_a_word_can_be_taught(service: System, person: Person):
    page = person.page
    person.sign_in(service)
    page.get_by_label("Text", exact=True).fill("The SQL costs $5.")
    page.get_by_text("Language and pronunciation").click()
    page.get_by_role("button", name="How is it read?").click()
    expect(page.locator("#reading-text rt")).to_have_text(["five dollars"])
    person.look("reading")
    page.get_by_label("The word").fill("SQL")
    page.get_by_label("Say it like").fill("sequel")
    page.get_by_role("button", name="Remember").click()
    expect(page.locator("#word-state")).to_contain_text("sequel")
    page.get_by_role("button", name="Close").click()
    page.get_by_role("button", name="How is it read?").click()
    expect(page.locator("#reading-text rt")).to_have_text(["sequel", "five dollars"])

    assert person.errors == []


def test_a_long_text_is_heard_from_its_beginning_and_left_in_the_middle(service: System, person: Person):
    page = person.page
    person.sign_in(service)
    speak(person, LONG)
    expect(page.locator("#speak-words .lit")).to_be_visible()
    page.get_by_role("slider", name="Position").fill("60")
    expect(page.locator(".time").first).to_contain_text("1:0")
    wait_until(lambda: page.locator("#speak-words").evaluate("place => place.scrollTop") > 0)
    person.look("speak-long")
    page.locator("#speak-track").get_by_role("button", name="Stop").click()
    expect(page.locator("#speak-words .lit")).to_have_count(0)

    assert person.errors == []


def test_what_goes_wrong_is_told_in_plain_words(service: System, person: Person):
    key = service.another_user("carla")["Authorization"].removeprefix("Bearer ")
    service.shell(PLAN)
    page = person.page
    person.enter(service.url, key, "speak?voice=nobody")
    expect(page.locator("#speak .pick")).to_contain_text("not there any more")
    speak(person, SENTENCE)
    expect(page.locator("#speak-fault")).to_contain_text("Choose another one")
    page.goto(f"{service.url}/#speak?voice=slt")
    page.reload()
    speak(person, SENTENCE)
    expect(page.locator("#speak-state")).to_contain_text("s of speech")
    speak(person, SENTENCE * 2)
    expect(page.locator("#speak-fault")).to_contain_text("quota for this period is used up")
    person.look("speak-quota")
    person.go("usage")
    expect(page.locator("#usage-bars meter")).to_have_count(1)
    expect(page.locator("#usage-bars")).to_contain_text("of 60")
    person.look("usage-plan")


def test_a_network_that_went_away_costs_no_text(service: System, person: Person):
    with Relay(service.port) as relay:
        page = person.page
        person.enter(relay.url, service.key)
        relay.cut()
        speak(person, SENTENCE)
        expect(page.locator("#speak-fault")).to_contain_text("can't be reached")
        page.context.set_offline(True)
        expect(page.get_by_text("You are offline.")).to_be_visible()
        person.shot("speak-offline")
        page.context.set_offline(False)
        expect(page.get_by_text("You are offline.")).to_be_hidden()
        relay.mend()
        expect(page.get_by_label("Text", exact=True)).to_have_value(SENTENCE)
        page.get_by_role("button", name="Speak", exact=True).click()
        expect(page.locator("#speak-state")).to_contain_text("s of speech")
        expect(page.locator("#speak-fault")).to_be_hidden()


def test_it_can_be_used_without_a_mouse(service: System, person: Person):
    page = person.page
    person.sign_in(service)
    page.get_by_label("Text", exact=True).focus()
    page.keyboard.press("Tab")
    expect(page.locator("#speak .pick")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.type("slt")
    page.keyboard.press("Enter")
    expect(page.locator("#speak .pick")).to_contain_text("slt")
    page.get_by_role("button", name="Speak", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.locator("#speak-state")).to_contain_text("s of speech")


def test_the_command_and_the_program_beside_it_do_the_same(service: System, person: Person, tmp_path: Path):
    page = person.page
    person.sign_in(service)
    page.get_by_label("Text", exact=True).fill(QUOTED)
    shown = page.locator("#speak .code code").first
    command = shown.text_content() or ""
    page.get_by_role("button", name="Python").click()
    program = shown.text_content() or ""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator("#speak .copy").click()
    expect(page.locator("#speak .copy")).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    made = []
    for arguments in (["bash", "-c", command], [sys.executable, "-c", program]):
        subprocess.run(
            arguments, cwd=tmp_path, env={"VOICE_KEY": service.key, "PATH": "/usr/bin:/bin"}, check=True, timeout=60, capture_output=True
        )
        made.append((tmp_path / "speech.wav").read_bytes())
        (tmp_path / "speech.wav").unlink()

    assert copied == program
    asked = json.loads(re.findall(r"-d '(.*)' \\\n", command.replace(r"'\''", "'"), re.DOTALL)[0])
    direct = httpx.post(f"{service.url}/v1/audio/speech", headers=service.headers, json=asked, timeout=60).content
    assert asked["input"] == QUOTED
    assert made == [direct, direct]
