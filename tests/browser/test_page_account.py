"""Usage and keys at the page, and how every panel looks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

pytest.importorskip("playwright")

from playwright.sync_api import expect

from tests.browser.people import DESKTOP, PHONE, at_the_page, says
from tests.e2e.system import System

PANELS = ["speak", "talk", "listen", "convert", "jobs", "voices", "usage", "keys"]
FILLED = {
    "jobs": "#jobs-list li:visible, #jobs-none:visible",
    "voices": "#consents li:visible, #consents-none:visible",
    "usage": ".tile",
    "keys": "#keys-list li",
}
# what is there when the service has answered
WIDTHS = {"desktop": DESKTOP, "wide": {"width": 1600, "height": 1000}, "phone": PHONE}

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_every_panel_is_fit_to_be_seen(service: System, tmp_path: Path, width: str, scheme: str):
    with at_the_page(says(tmp_path, 1.0), viewport=WIDTHS[width], color_scheme=scheme) as person:
        person.sign_in(service)
        for name in PANELS:
            person.go(name)
            if name in FILLED:
                expect(person.page.locator(FILLED[name]).first).to_be_visible()
            person.look(f"{name}-{width}-{scheme}")

    assert person.errors == []


def test_a_key_is_shown_once_may_do_what_was_chosen_and_is_revoked(service: System, tmp_path: Path):
    with at_the_page(says(tmp_path, 1.0)) as person:
        page = person.page
        person.sign_in(service, "keys")
        page.get_by_label("Name", exact=True).fill("Phone <b>app</b>")
        for scope in ("account", "voices", "realtime"):
            page.get_by_role("checkbox", name=scope).uncheck()
        page.get_by_label("Ends").select_option("7")
        page.get_by_role("button", name="Make a key").click()
        expect(page.locator("#shown-once")).to_be_visible()
        key = page.get_by_label("New key", exact=True).input_value()
        person.look("key")
        page.get_by_role("button", name="I have it").click()
        expect(page.locator("#keys-list li").first).to_contain_text("Phone <b>app</b>")
        headers = {"Authorization": f"Bearer {key}"}
        me = httpx.get(f"{service.url}/v1/me", headers=headers).json()
        page.get_by_role("button", name="Revoke Phone").click()
        page.get_by_role("button", name="Revoke", exact=True).click()
        expect(page.locator("#keys-list li").first).to_contain_text("revoked")

        assert sorted(me["scopes"]) == ["jobs", "outputs", "speech", "transcription"]
        assert httpx.get(f"{service.url}/v1/me", headers=headers).status_code == 401
        assert key not in page.content()
        assert person.errors == []


def test_a_key_that_may_not_see_something_says_what_it_lacks(service: System, tmp_path: Path):
    with service.client() as client:
        key = client.post("/v1/api-keys", json={"name": "narrow", "scopes": ["speech"]}).json()["key"]
    with at_the_page(says(tmp_path, 1.0)) as person:
        person.enter(service.url, key, "usage")
        expect(person.page.locator("#usage-fault")).to_contain_text("Sign in with your password")


def test_what_was_used_is_shown_in_groups_and_saved(service: System, tmp_path: Path):
    with service.client() as client:
        client.post("/v1/audio/speech", json={"model": "tts-1", "voice": "slt", "input": "This is counted."})
    with at_the_page(says(tmp_path, 1.0)) as person:
        page = person.page
        person.sign_in(service, "usage")
        page.get_by_label("By", exact=True).select_option("voice")
        expect(page.locator("#usage-rows")).to_contain_text("slt")
        page.get_by_label("In", exact=True).select_option("7")
        page.reload()
        expect(page.get_by_label("By", exact=True)).to_have_value("voice")
        expect(page.locator("#usage .code code").first).to_contain_text("start=")
        with page.expect_download() as download:
            page.get_by_role("button", name="Save as CSV").click()

        assert download.value.path().read_text().startswith("voice,characters")
        assert person.errors == []


def test_the_programs_of_every_panel_run(service: System, tmp_path: Path):
    (tmp_path / "lines.csv").write_text("input\nOne line.\n")
    for name in ("recording.wav", "speech.wav"):
        with service.client() as client:
            speech = {"model": "tts-1", "voice": "slt", "input": "The weather is very nice today.", "response_format": "wav"}
            (tmp_path / name).write_bytes(client.post("/v1/audio/speech", json=speech).content)
    with at_the_page(says(tmp_path, 1.0)) as person:
        page = person.page
        person.sign_in(service, "keys")
        page.get_by_label("Name", exact=True).fill("It's another")
        for name in ("listen", "jobs", "voices", "usage", "keys", "talk"):
            person.go(name)
            shown = page.locator(f"#{name} .code")
            shown.get_by_role("button", name="curl").click()
            command = shown.locator("code").first.text_content() or ""
            shown.get_by_role("button", name="Python").click()
            program = shown.locator("code").first.text_content() or ""
            run(["bash", "-c", f"{command} -sSf"], tmp_path, service)
            if name == "talk":
                compile(program, name, "exec")
            else:
                run([sys.executable, "-c", program], tmp_path, service)


def run(arguments: list[str], folder: Path, service: System) -> None:
    environment = {"VOICE_KEY": service.key, "PATH": os.environ["PATH"]}
    done = subprocess.run(arguments, cwd=folder, env=environment, check=False, timeout=60, capture_output=True)
    assert done.returncode == 0, (arguments, done.stderr)
