"""Staff at the admin in a real browser: where they go, and whatever is wrong there."""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

PASSWORD = "correct horse battery staple"
DESKTOP: Any = {"width": 1400, "height": 900}
PHONE: Any = {"width": 390, "height": 844}
GRAVE = {"serious", "critical"}
CLICKABLE = "#nav-sidebar-apps a[href^='/admin/']"
LIST = re.compile(r"/admin/\w+/\w+/")
ROW = re.compile(r"^/admin/\w+/\w+/[^/?]+/change/")
LEADING = "a[href]:not([download], #nav-sidebar *)"
ID = re.compile(r"\d")
# in the part of an address that names a row
KNOWN: dict[str, str] = {}
# findings of axe's that stay, and why


@dataclass
class Staff:
    page: Page
    url: str
    wrong: list[str] = field(default_factory=list)
    # what the browser, or axe, complained of, and where

    def enter(self, name: str) -> None:
        self.go("/admin/login/?next=/admin/")
        self.page.get_by_label("Username").fill(name)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Log in").click()
        self.page.wait_for_url("**/admin/")

    def go(self, path: str) -> None:
        answer = self.page.goto(f"{self.url}{path}")
        self.page.wait_for_load_state("load")
        if answer is None or answer.status >= 400:
            self.note(f"answered with {answer and answer.status}")

    def note(self, what: str) -> None:
        self.wrong.append(f"{urlsplit(self.page.url).path}: {what}")

    def audit(self) -> None:
        """Let axe look at the page, and see that it is no wider than its window."""
        for found in Axe().run(self.page).response["violations"]:
            if found["impact"] in GRAVE and found["id"] not in KNOWN:
                nodes = "; ".join(node["html"][:160] for node in found["nodes"][:3])
                self.note(f"{found['id']} ({len(found['nodes'])}): {nodes}")
        wide = self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        if wide > 0:
            self.note(f"{wide} pixels wider than the window")

    def lists(self) -> list[str]:
        """What the sidebar leads to."""
        links = self.page.locator(CLICKABLE).evaluate_all("links => links.map(link => link.getAttribute('href'))")
        return sorted(link for link in set(links) if LIST.fullmatch(link))

    def row(self) -> str | None:
        """The first row that a list links to."""
        links = self.page.locator("#content a[href]").evaluate_all("links => links.map(link => new URL(link.href).pathname)")
        return next((link for link in links if ROW.match(link) and link.startswith(urlsplit(self.page.url).path)), None)

    def ways(self) -> dict[str, str]:
        """Where the page leads to within its list, rows apart: by what it is called, as history, add, or a deed that is asked about."""
        here = "/".join(urlsplit(self.page.url).path.split("/")[:4]) + "/"
        links = self.page.locator(LEADING).evaluate_all("links => links.map(link => new URL(link.href).pathname)")
        inner = [link for link in links if link.startswith(here) and link != here and not link.endswith("/change/")]
        return {link.strip("/").split("/")[-1]: link for link in inner if not ID.search(link.strip("/").split("/")[-1])}

    def shot(self, folder: Path, name: str) -> None:
        self.page.screenshot(path=folder / f"desk-{name}.png", full_page=True)


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def at_the_desk(browser: Browser, url: str, **options: Any) -> Iterator[Staff]:
    context = browser.new_context(**options)
    page = context.new_page()
    staff = Staff(page, url)
    page.on("pageerror", lambda error: staff.note(str(error)))
    page.on("console", lambda message: staff.note(message.text) if message.type == "error" else None)
    page.on("request", lambda asked: None if asked.url.startswith((url, "data:", "blob:")) else staff.note(f"asks for {asked.url}"))
    try:
        yield staff
    finally:
        context.close()
