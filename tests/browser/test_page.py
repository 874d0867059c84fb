"""The page in a real browser, with a WAV file as its microphone: `make browser`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright")

from playwright.sync_api import expect

from tests.browser.line import Line
from tests.browser.people import DESKTOP, PATIENCE_MS, PHONE, Person, at_the_page, says, understood
from tests.e2e.system import System, running
from tests.jobs.receivers import Receiver
from tests.voice.realtime.models import streamed, words
from tests.voice.waiting import until

SHOWN = Path(__file__).resolve().parents[2] / "build" / "browser"
# screenshots and recordings, for whoever wants to look and listen
SENTENCE = "The weather is very nice today."
WORDS = {"weather", "nice", "today"}
STORY = "The old man walked slowly down the street. Children like to play in the garden. She bought some bread and a bottle of water. " * 10

expect.set_options(timeout=PATIENCE_MS)
pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    SHOWN.mkdir(parents=True, exist_ok=True)
    with running(tmp_path_factory.mktemp("system")) as embedded:
        yield embedded


def shot(person: Person, name: str) -> None:
    person.page.screenshot(path=SHOWN / f"{name}.png", full_page=True)


def sent(person: Person, kind: str) -> list[dict[str, Any]]:
    return [event for event in map(json.loads, person.sent) if event["type"] == kind]


def test_a_wrong_key_is_said_to_be_wrong(system: System, tmp_path: Path):
    with at_the_page(says(tmp_path, 1.0)) as person:
        page = person.page
        page.goto(system.url)
        shot(person, "door")
        for wrong, told in (("sk-wrong", "not valid"), ("schlüssel", "not an API key")):
            page.get_by_label("API key").fill(wrong)
            page.get_by_role("button", name="Continue").click()
            expect(page.locator("#enter-fault")).to_contain_text(told)
        shot(person, "door-fault")
        page.get_by_label("API key").fill(system.key)
        page.get_by_role("button", name="Continue").click()
        expect(page.locator("#name")).to_have_text("admin")
        page.reload()
        expect(page.locator("#name")).to_have_text("admin")
        page.get_by_role("button", name="Sign out").click()
        page.reload()
        expect(page.get_by_label("API key")).to_be_visible()


def test_somebody_talks_and_is_answered(system: System, tmp_path: Path):
    with at_the_page(says(tmp_path, 1.5, SENTENCE, 1.0)) as person:
        page = person.page
        person.enter(system.url, system.key)
        page.get_by_role("button", name="Start talking").click()
        expect(page.locator("#state")).to_have_text("Listening")
        expect(page.locator("#log .you p")).to_contain_text("weather")
        expect(page.locator("#state")).to_have_text("Speaking")
        shot(person, "talk")
        page.set_viewport_size(PHONE)
        shot(person, "talk-phone")
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
        person.enter(system.url, system.key)
        page.get_by_role("button", name="Start talking").click()
        expect(page.locator("#state")).to_have_text("Speaking")
        expect(page.locator("#state")).to_have_text("Hearing you")
        expect(page.locator("#log .you").nth(1)).to_contain_text("window")
        expect(page.locator("#log .machine")).to_have_count(2)
        shot(person, "interrupted")
        first = page.locator("#log .machine p").first.text_content() or ""
        page.get_by_role("button", name="Hang up").click()

    (cut,) = sent(person, "conversation.item.truncate")
    assert 1000 < cut["audio_end_ms"] < 20_000
    assert first
    assert STORY.startswith(first)
    assert len(first) < len(STORY) / 2
    assert person.errors == []


def test_a_connection_that_was_lost_comes_back_to_its_conversation(system: System, tmp_path: Path):
    with Line(system.port) as line, at_the_page(says(tmp_path, 15.0, SENTENCE, 1.0)) as person:
        page = person.page
        person.enter(line.url, system.key)
        page.get_by_role("button", name="Start talking").click()
        expect(page.locator("#state")).to_have_text("Listening")
        line.cut()
        expect(page.locator("#state")).to_have_text(re.compile("Connection lost"))
        shot(person, "lost")
        line.mend()
        expect(page.locator("#log .machine p")).to_contain_text("weather")
        expect(page.locator("#state")).to_have_text("Listening")
        page.get_by_role("button", name="Hang up").click()

    (session_id,) = {address.partition("session_id=")[2] for address in person.sockets[1:]}
    with system.client() as client:
        until(lambda: client.get(f"/v1/realtime/sessions/{session_id}").json()["state"] == "closed")
        session = client.get(f"/v1/realtime/sessions/{session_id}").json()
    assert (session["responses"], session["end_reason"]) == (1, "client_left")


def test_a_text_is_spoken_downloaded_and_understood(system: System, tmp_path: Path):
    with at_the_page(says(tmp_path, 1.0), color_scheme="dark", viewport=PHONE) as person:
        page = person.page
        person.enter(system.url, system.key)
        page.get_by_label("Text", exact=True).fill(SENTENCE)
        page.get_by_role("button", name="Play").click()
        expect(page.locator("#speak-state")).to_have_text(re.compile(r"\d\.\d s of speech"))
        recording = person.recording()
        with page.expect_download() as download:
            page.get_by_role("button", name="Download").click()
        download.value.save_as(tmp_path / "speech.wav")
        page.get_by_label("Recording").set_input_files(tmp_path / "speech.wav")
        page.get_by_role("button", name="Transcribe").click()
        expect(page.locator("#heard")).to_contain_text("weather")
        shot(person, "rooms-phone-dark")
        page.set_viewport_size(DESKTOP)
        shot(person, "rooms-dark")

    assert understood(recording) >= WORDS
    assert understood((tmp_path / "speech.wav").read_bytes()) >= WORDS
    assert person.errors == []
