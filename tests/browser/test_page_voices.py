"""Recordings at the page: what is understood of them, voices that are made of them, and what they become by another voice."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright")

from playwright.sync_api import expect

from tests.browser.people import PHONE, at_the_page, says
from tests.e2e.system import System
from tests.voice.recordings import spoken
from tests.waiting import wait_until
from voice.phrases import PHRASES

SENTENCE = "The weather is very nice today."
SAMPLE = "The quick brown fox jumps over the lazy dog, and then it sleeps beside the old river until the morning comes."
WAITING = """
from accounts.models import User
from voice.models import Consent
owner, _ = User.objects.get_or_create(username="emil")
for state, reason in (("pending", ""), ("refused", "It is somebody else who speaks.")):
    Consent.objects.create(owner=owner, name=f"Emil, {state}", language="en", phrase="", seconds=5, state=state, reason=reason)
"""
APPROVE = "from voice.models import Consent; Consent.objects.filter(name='Emil, pending').update(state='approved')"
CONVERTS = "from voice.models import Model; Model.objects.create(name='vc', engine='coqui', task='conversion')"
UNINSTALL = "from voice.models import Model; Model.objects.filter(name='vc').delete()"

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def file(name: str, text: str) -> Any:
    return {"name": name, "mimeType": "audio/wav", "buffer": spoken(text)}


def test_what_is_said_into_the_microphone_is_written_down(service: System, tmp_path: Path):
    with at_the_page(says(tmp_path, 0.5, SENTENCE, 5.0), viewport=PHONE) as person:
        page = person.page
        person.sign_in(service, "listen")
        page.get_by_role("button", name="Transcribe").click()
        expect(page.locator("#listen-capture .fault")).to_contain_text("Record something")
        page.get_by_role("button", name="Record", exact=True).click()
        wait_until(lambda: page.evaluate("document.querySelector('#listen-capture meter').value > 0.05"))
        person.look("listen-recording-phone")
        expect(page.locator("#listen-capture .recorder")).to_contain_text(re.compile(r"0:0[4-9]|0:[1-5]"))
        page.locator("#listen-capture").get_by_role("button", name="Stop").click()
        expect(page.locator("#listen-capture .track")).to_be_visible()
        page.get_by_role("button", name="Transcribe").click()
        expect(page.locator("#heard-text")).to_contain_text("weather")
        person.look("heard-phone")

    assert person.errors == []


def test_a_recording_becomes_words_with_times_and_subtitles(service: System, tmp_path: Path):
    with at_the_page(says(tmp_path, 1.0)) as person:
        page = person.page
        person.sign_in(service, "listen?format=verbose_json&words=word+segment")
        page.locator("#listen-capture input").set_input_files(file("speech.wav", SENTENCE))
        page.get_by_role("button", name="Transcribe").click()
        expect(page.locator("#heard-text .timed span")).to_have_count(6)
        person.look("heard-words")
        page.get_by_label("Form", exact=True).select_option("srt")
        expect(page.locator("#listen .code code").first).to_contain_text("response_format=srt")
        page.get_by_role("button", name="Transcribe").click()
        expect(page.locator("#heard-text")).to_contain_text("-->")
        with page.expect_download() as download:
            page.get_by_role("button", name="Save", exact=True).click()

        assert download.value.suggested_filename == "transcript.srt"
        assert "weather" in download.value.path().read_text()
        page.locator("#listen-capture input").set_input_files({"name": "not.wav", "mimeType": "audio/wav", "buffer": b"nothing"})
        page.get_by_role("button", name="Transcribe").click()
        expect(page.locator("#listen-fault")).to_contain_text("WAV (PCM)")


def test_somebody_consents_is_recorded_and_has_a_voice_that_speaks_until_it_is_deleted(service: System, tmp_path: Path):
    microphone = says(tmp_path, 0.5, PHRASES["en"], 6.0)
    key = service.another_user("anna")["Authorization"].removeprefix("Bearer ")
    with at_the_page(microphone) as person:
        page = person.page
        person.enter(service.url, key, "voices")
        expect(page.locator("#phrase")).to_have_text(PHRASES["en"])
        page.locator("#consent-language").select_option("de")
        expect(page.locator("#phrase")).to_have_text(PHRASES["de"])
        page.locator("#consent-language").select_option("en")
        page.get_by_label("Who speaks").fill("Anna")
        page.get_by_role("button", name="Record", exact=True).click()
        expect(page.locator("#consent-capture .recorder")).to_contain_text(re.compile(r"0:0[7-9]|0:[1-5]"))
        page.locator("#consent-capture").get_by_role("button", name="Stop").click()
        person.look("consent")
        page.get_by_role("button", name="Send the consent").click()
        expect(page.get_by_label("Name of the voice")).to_have_value("Anna")
        expect(page.locator("#consents li").first).to_contain_text("approved")
        page.locator("#sample-capture input").set_input_files(file("short.wav", "Hello."))
        page.get_by_role("button", name="Make the voice").click()
        expect(page.locator("#voice-fault")).to_contain_text("seconds")
        page.locator("#sample-capture input").set_input_files(file("sample.wav", SAMPLE))
        person.look("sample")
        page.get_by_role("button", name="Make the voice").click()
        expect(page.locator("#own-voices li")).to_contain_text("Anna")
        person.look("voices-own")
        page.get_by_role("link", name="Speak with Anna").click()
        expect(page.locator("#speak .pick")).to_contain_text("Anna")
        page.get_by_label("Text", exact=True).fill("mine")
        page.get_by_role("button", name="Speak", exact=True).click()
        expect(page.locator("#speak-state")).to_contain_text("s of speech")
        page.locator("#speak .pick").click()
        expect(page.locator("#picker-list fieldset").first).to_contain_text("Your own")
        page.get_by_role("button", name="Done").click()
        person.go("voices")
        page.get_by_role("button", name="Delete the voice Anna").click()
        person.look("confirm")
        page.get_by_role("button", name="Keep it").click()
        expect(page.locator("#own-voices li")).to_have_count(1)
        page.get_by_role("button", name="Delete the voice Anna").click()
        page.get_by_role("button", name="Delete", exact=True).click()
        expect(page.locator("#voices-none")).to_be_visible()
        page.get_by_role("button", name="Delete the consent of Anna").click()
        page.get_by_role("button", name="Delete", exact=True).click()
        expect(page.locator("#consents-none")).to_be_visible()


def test_what_staff_decide_of_a_consent_is_seen_and_why(service: System, tmp_path: Path):
    service.shell(WAITING)
    key = service.another_user("emil")["Authorization"].removeprefix("Bearer ")
    with at_the_page(says(tmp_path, 1.0), viewport=PHONE, color_scheme="dark") as person:
        page = person.page
        person.enter(service.url, key, "voices")
        expect(page.locator("#consents")).to_contain_text("It is somebody else who speaks.")
        expect(page.locator("#consents")).to_contain_text("pending")
        person.look("consents-phone-dark")
        service.shell(APPROVE)
        expect(page.get_by_role("button", name="Make a voice of Emil, pending")).to_be_visible()

    assert person.errors == []


def test_without_a_model_that_converts_the_page_says_so_and_with_one_it_takes_a_recording(service: System, tmp_path: Path):
    with at_the_page(says(tmp_path, 1.0)) as person:
        page = person.page
        person.sign_in(service, "convert")
        expect(page.get_by_role("heading", name="No conversion model is installed")).to_be_visible()
        expect(page.get_by_role("button", name="Convert")).to_be_hidden()
        person.look("convert-none")
        service.shell(CONVERTS)
        try:
            page.reload()
            expect(page.locator("#convert-voiceless")).to_be_visible()
            page.get_by_role("button", name="Convert").click()
            expect(page.locator("#convert-fault")).to_contain_text("Make a voice of your own first")
            person.look("convert")
        finally:
            service.shell(UNINSTALL)


def test_a_recording_that_is_converted_is_heard_and_saved(service: System, tmp_path: Path):
    """The page's half: what the service would send of a model is played in its stead."""
    sound = spoken(SENTENCE)[-96_000:]
    # two seconds, without a header
    voice = {"id": "voice_1", "name": "Berta", "type": "audio_sample", "state": "ready", "model": "clone", "languages": []}
    with at_the_page(says(tmp_path, 1.0)) as person:
        page = person.page
        page.route("**/v1/audio/voices", lambda route: route.fulfill(json={"data": [voice], "voices": []}))
        page.route("**/v1/models", lambda route: route.fulfill(json={"data": [{"id": "vc", "task": "conversion"}]}))
        page.route("**/v1/audio/conversions", lambda route: route.fulfill(body=sound, content_type="audio/pcm"))
        person.sign_in(service, "convert")
        expect(page.locator("#convert .pick")).to_contain_text("Berta")
        page.locator("#convert-capture input").set_input_files(file("speech.wav", SENTENCE))
        page.get_by_role("button", name="Convert").click()
        expect(page.locator("#convert-track").get_by_role("button", name="Play again")).to_be_visible()
        person.look("converted")
        with page.expect_download() as download:
            page.get_by_role("button", name="Download").click()

        assert download.value.suggested_filename == "converted.wav"
        assert download.value.path().read_bytes()[44:] == sound
        assert person.errors == []


def test_a_microphone_that_is_refused_is_told_with_what_to_do(service: System, tmp_path: Path):
    with at_the_page(says(tmp_path, 1.0)) as person:
        page = person.page
        page.add_init_script("navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('no', 'NotAllowedError'); }")
        person.sign_in(service, "listen")
        page.get_by_role("button", name="Record", exact=True).click()
        expect(page.locator("#listen-capture .fault")).to_contain_text("Allow it for this page in the browser")
        person.go("talk")
        page.get_by_role("button", name="Start talking").click()
        expect(page.locator("#talk-fault")).to_contain_text("Allow it for this page in the browser")
        person.look("microphone-refused")

    assert person.errors == []
