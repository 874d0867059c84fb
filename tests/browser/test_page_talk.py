"""Talking at the page in a real browser, with a WAV file as its microphone: `make browser`."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright")

from playwright.sync_api import expect

from tests.browser.people import PHONE, SHOWN, Person, at_the_page, says, understood
from tests.browser.relay import Relay
from tests.e2e.system import System, running
from tests.jobs.receivers import Receiver
from tests.voice.realtime.models import streamed, words
from tests.waiting import wait_until

SENTENCE = "The weather is very nice today."
WORDS = {"weather", "nice", "today"}
STORY = "The old man walked slowly down the street. Children like to play in the garden. She bought some bread and a bottle of water. " * 10
WATCH = """
  window.states = [];
  const shown = document.getElementById("state");
  new MutationObserver(() => window.states.push(shown.textContent)).observe(shown, { childList: true, characterData: true, subtree: true });
"""
# what stands there for a moment only is seen however busy the machine is

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def sent(person: Person, kind: str) -> list[dict[str, Any]]:
    return [event for event in map(json.loads, person.sent) if event["type"] == kind]


def test_somebody_talks_and_is_answered(service: System, tmp_path: Path):
    with at_the_page(says(tmp_path, 1.5, SENTENCE, 1.0)) as person:
        page = person.page
        person.enter(service.url, service.key, "talk")
        page.get_by_role("button", name="Start talking").click()
        expect(page.locator("#state")).to_have_text("Listening")
        expect(page.locator("#log .you p")).to_contain_text("weather")
        expect(page.locator("#state")).to_have_text("Speaking")
        wait_until(lambda: page.locator("#level-machine").evaluate("meter => meter.value") > 0)
        person.look("talk-speaking")
        page.set_viewport_size(PHONE)
        person.look("talk-speaking-phone")
        expect(page.locator("#log .machine p")).to_contain_text("weather")
        expect(page.locator("#state")).to_have_text("Listening")
        recording = person.recording()
        page.get_by_role("button", name="Hang up").click()
        expect(page.locator("#state")).to_have_text("Press to talk")

    (SHOWN / "answer.webm").write_bytes(recording)
    assert understood(recording) >= WORDS
    assert person.errors == []


def test_who_interrupts_is_heard_and_the_rest_was_not_said(tmp_path: Path):
    microphone = says(tmp_path, 1.5, SENTENCE, 15.0, "Please open the window in the kitchen.", 1.0)
    with (
        Receiver(streamed(*words(STORY))) as model,
        running(tmp_path, RESPONDER="chat", CHAT_URL=f"http://127.0.0.1:{model.port}/v1", CHAT_MODEL="parrot") as system,
        at_the_page(microphone) as person,
    ):
        page = person.page
        person.enter(system.url, system.key, "talk")
        page.get_by_role("button", name="Start talking").click()
        expect(page.locator("#state")).to_have_text("Speaking")
        page.evaluate(WATCH)
        expect(page.locator("#log .you").nth(1)).to_contain_text("window")
        expect(page.locator("#log .machine")).to_have_count(2)
        person.shot("interrupted")
        expect(page.locator("#log .machine").first).to_contain_text("interrupted")
        first = page.locator("#log .machine p").first.text_content() or ""
        assert "Hearing you" in page.evaluate("states")
        page.get_by_role("button", name="Hang up").click()

    (cut,) = sent(person, "conversation.item.truncate")
    assert 1000 < cut["audio_end_ms"] < 20_000
    assert first
    assert STORY.startswith(first)
    assert len(first) < len(STORY) / 2
    assert person.errors == []


def test_a_connection_that_was_lost_comes_back_to_its_conversation(service: System, tmp_path: Path):
    with Relay(service.port) as relay, at_the_page(says(tmp_path, 15.0, SENTENCE, 1.0)) as person:
        page = person.page
        person.enter(relay.url, service.key, "talk")
        page.get_by_role("button", name="Start talking").click()
        expect(page.locator("#state")).to_have_text("Listening")
        relay.cut()
        expect(page.locator("#state")).to_have_text(re.compile("Connection lost"))
        person.shot("lost")
        relay.mend()
        expect(page.locator("#log .machine p")).to_contain_text("weather")
        expect(page.locator("#state")).to_have_text("Listening")
        page.get_by_role("button", name="Hang up").click()

    (session_id,) = {address.partition("session_id=")[2] for address in person.sockets[1:]}
    with service.client() as client:
        wait_until(lambda: client.get(f"/v1/realtime/sessions/{session_id}").json()["state"] == "closed")
        session = client.get(f"/v1/realtime/sessions/{session_id}").json()
    assert (session["responses"], session["end_reason"]) == (1, "client_left")


def test_a_turn_is_over_when_its_speaker_says_so(service: System, tmp_path: Path):
    with at_the_page(says(tmp_path, 1.5, SENTENCE, 30.0)) as person:
        page = person.page
        person.enter(service.url, service.key, "talk?turns=none")
        page.get_by_role("button", name="Start talking").click()
        expect(page.locator("#state")).to_have_text("Listening")
        page.wait_for_timeout(5_000)
        page.get_by_role("button", name="I am done").click()
        expect(page.locator("#log .machine p")).to_contain_text("weather")
        with page.expect_download() as download:
            page.get_by_role("button", name="Hang up").click()
            page.get_by_role("button", name="Save what was said").click()
        written = download.value.path().read_text()

    assert written.startswith("You: ")
    assert "Machine: " in written
    assert person.errors == []
