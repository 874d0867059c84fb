"""Many texts at once, at the page."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("playwright")

from playwright.sync_api import Route, expect

from tests.browser.people import PHONE, Person, at_the_page, says
from tests.browser.relay import Relay
from tests.e2e.system import System
from tests.waiting import wait_until
from voice.engines.tone import FAILS_AT_ONCE, SLOW

LINES = "input,ref,voice\nThe first line.,one,\nThe second line.,two,rms\nThe third line.,three,slt\n"
DROP = """([name, text]) => {
  const data = new DataTransfer();
  data.items.add(new File([text], name, { type: "text/csv" }));
  for (const kind of ["dragover", "drop"]) {
    document.getElementById("drop").dispatchEvent(new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }));
  }
}"""
MANY = """
from accounts.models import User
from jobs.models import Job
owner = User.objects.create(username="dora")
Job.objects.bulk_create(Job(owner=owner, kind="speech", name=f"Chapter {n}", state="completed", total=1, completed=1) for n in range(120))
"""

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture
def person(tmp_path: Path) -> Iterator[Person]:
    with at_the_page(says(tmp_path, 1.0)) as somebody:
        yield somebody


def test_a_file_that_is_dropped_becomes_a_job_which_is_watched_played_and_fetched(service: System, person: Person):
    page = person.page
    person.sign_in(service, "jobs")
    page.evaluate(DROP, ["lines.csv", LINES])
    expect(page.locator("#drop")).to_contain_text("about 3 lines")
    page.get_by_label("Name (optional)").fill("Three lines")
    person.look("jobs-dropped")
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_role("heading", name="Three lines")).to_be_visible()
    expect(page.locator("#job-counts")).to_have_text("3 of 3 items")
    expect(page.locator("#items li").nth(2).locator(".badge")).to_have_text("completed")
    person.look("job")
    page.get_by_role("button", name="Play item 1").click()
    wait_until(lambda: page.evaluate("document.querySelector('#items audio')?.currentTime > 0.1"))
    page.get_by_label("Show").select_option("failed")
    expect(page.locator("#items-none")).to_be_visible()
    page.reload()
    expect(page.locator("#items li")).to_have_count(3)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download all").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        assert len(archive.namelist()) == 4
    page.get_by_role("link", name="All jobs").click()
    expect(page.locator("#jobs-list li").first).to_contain_text("Three lines")
    page.go_back()
    expect(page.get_by_role("heading", name="Three lines")).to_be_visible()

    assert person.errors == []


def test_what_failed_is_told_and_tried_again(service: System, person: Person):
    failing = {"model": "tts-1", "voice": "tone", "input": "This fails.", "seed": FAILS_AT_ONCE}
    with service.client() as client:
        client.post("/v1/audio/speech", json=failing)
    page = person.page
    person.sign_in(service, "jobs")
    page.locator("#jobs-list a").first.click()
    expect(page.locator("#job-counts")).to_have_text("1 of 1 item · 1 failed")
    expect(page.locator("#items .wrong")).not_to_be_empty()
    person.look("job-failed")
    with page.expect_response(lambda answer: answer.url.endswith("/retry")) as answer:
        page.get_by_role("button", name="Retry what failed").click()
    expect(page.locator("#items .badge")).to_have_text("failed")

    assert answer.value.status == 202


def test_plain_text_is_spoken_line_by_line(service: System, tmp_path: Path):
    (tmp_path / "poem.txt").write_text("One line.\n\nAnother line.\n")
    with at_the_page(says(tmp_path, 1.0), viewport=PHONE, color_scheme="dark") as person:
        page = person.page
        person.sign_in(service, "jobs")
        page.get_by_label("Choose a file").set_input_files(tmp_path / "poem.txt")
        page.get_by_role("button", name="Start").click()
        expect(page.locator("#job-counts")).to_have_text("2 of 2 items")
        person.look("job-phone-dark")


def test_a_file_that_is_not_right_is_refused_with_its_lines(service: System, person: Person):
    page = person.page
    person.sign_in(service, "jobs")
    page.get_by_role("button", name="Start").click()
    expect(page.locator("#jobs-fault")).to_contain_text("Choose a file first")
    page.evaluate(DROP, ["lines.csv", "input,speed\nGood,1\nBad,fast\n"])
    page.get_by_role("button", name="Start").click()
    expect(page.locator("#jobs-fault")).to_contain_text("Line 3")


def test_a_job_is_watched_on_when_the_network_is_back(service: System, person: Person):
    with Relay(service.port) as relay:
        page = person.page
        person.enter(relay.url, service.key, "jobs")
        lines = "".join(f"Line {n} of a job that takes a while. It says this much.\n" for n in range(60))
        page.evaluate(DROP, ["lines.csv", f"input\n{lines}"])
        page.get_by_role("button", name="Start").click()
        expect(page.locator("#job-counts")).to_have_text(re.compile(r"^[1-9]\d* of 60"))
        relay.cut()
        expect(page.locator("#job-fault")).to_contain_text("connection was lost")
        relay.mend()
        expect(page.locator("#job-counts")).to_have_text("60 of 60 items")
        expect(page.locator("#job-fault")).to_be_hidden()
        page.get_by_role("button", name="Show more").click()
        expect(page.locator("#items li")).to_have_count(60)


def test_hundreds_of_jobs_come_page_by_page(service: System, person: Person):
    service.shell(MANY)
    key = service.another_user("dora")["Authorization"].removeprefix("Bearer ")
    page = person.page
    person.enter(service.url, key, "jobs")
    expect(page.locator("#jobs-list li")).to_have_count(20)
    page.get_by_role("button", name="Show older ones").click()
    expect(page.locator("#jobs-list li")).to_have_count(40)
    person.look("jobs-many")


def test_a_job_is_watched_on_after_the_service_was_away_and_after_one_has_signed_in_again(service: System, person: Person):
    slow = {"model": "tts-1", "voice": "tone", "input": "Slow enough to be watched.", "seed": SLOW + 500}
    answers = [503, 401]

    def away(route: Route) -> None:
        if answers:
            route.fulfill(status=answers.pop(0), json={"error": {}})
        else:
            route.continue_()

    page = person.page
    person.sign_in(service, "jobs")
    page.route("**/v1/jobs/*/events", away)
    page.route("**/v1/auth/refresh", lambda route: route.fulfill(status=401, json={"error": {}}))
    with service.client() as client, client.stream("POST", "/v1/audio/speech", json=slow) as speech:
        page.evaluate("(job) => (location.hash = `#jobs?job=${job}`)", speech.headers["x-job-id"])
        expect(page.locator("#door-ended")).to_be_visible()
        page.get_by_label("User name").fill("admin")
        page.get_by_label("Password").fill(service.password)
        page.get_by_role("button", name="Sign in").click()
        expect(page.locator("#job-counts")).to_have_text("0 of 1 item")
        expect(page.locator("#job-counts")).to_have_text("1 of 1 item")
