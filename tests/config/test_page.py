"""The page for people: all of it is served here, and nothing in it asks for anything from elsewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.finders import get_finders
from django.test import Client

RESOURCES = sorted(path for finder in get_finders() for path, _ in finder.list([]) if path.startswith("page/"))
TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
MODULES = [path for path in RESOURCES if path.endswith(".js")]
LONGEST_MODULE = 240
# lines
NAMESPACE = "http://www.w3.org/2000/svg"
ABSENT = re.compile(r"\bon\w+=|\sstyle=|<style|<script(?![^>]*\ssrc=)|javascript:")
# of what a policy without 'unsafe-inline' allows


@pytest.fixture
def served(client: Client) -> str:
    return client.get("/").content.decode()


def test_it_is_served_under_a_policy_that_lets_nothing_in_from_elsewhere(client: Client):
    answer = client.get("/")

    assert (answer.status_code, answer["Content-Type"]) == (200, "text/html; charset=utf-8")
    policy = dict(part.split(" ", 1) for part in answer["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert set(policy.values()) == {"'none'", "'self'"}
    assert policy["frame-ancestors"] == "'none'"
    assert answer["Permissions-Policy"].startswith("microphone=(self)")


def test_it_has_nothing_that_its_policy_forbids(served: str):
    assert ABSENT.findall(served) == []
    assert re.findall(r"(?:src|href)=\"(?!/|#)", served) == []
    assert {"/docs", "/admin/"} <= set(re.findall(r"href=\"([^\"]+)\"", served))


def test_all_that_it_names_is_there(client: Client, served: str):
    named = {path.removeprefix("/static/") for path in re.findall(r"(?:src|href)=\"(/static/[^\"]+)\"", served)}

    assert "page/page.js" in named
    assert named <= set(RESOURCES)


@pytest.mark.parametrize("path", RESOURCES)
def test_each_of_its_files_is_served_fresh_and_needs_only_the_others(client: Client, path: str):
    answer = client.get(f"/static/{path}")
    text = answer.content.decode()

    suffix = path[path.rindex(".") :]
    assert (answer.status_code, answer["Content-Type"].partition(";")[0]) == (200, TYPES[suffix])
    assert answer["Cache-Control"] == "no-cache"
    assert "//" not in re.sub(r"^\s*//.*|\s// .*|/\*.*?\*/", "", text.replace(NAMESPACE, ""), flags=re.MULTILINE)
    for module in re.findall(r"(?:from|URL\() ?\"(?:\./)?([\w.]+)\"", text):
        assert finders.find(f"page/{module}"), module


@pytest.mark.parametrize("path", MODULES)
def test_each_module_is_short_makes_no_markup_of_text_and_finds_what_it_looks_for(served: str, path: str):
    text = Path(str(finders.find(path))).read_text()

    assert len(text.splitlines()) < LONGEST_MODULE
    assert re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|localStorage", text) == []
    assert set(re.findall(r"\b(?:find|failed|attempt)\(\"([\w-]+)\"", text)) <= set(re.findall(r"\sid=\"([\w-]+)\"", served))


def test_no_id_is_there_twice_and_every_panel_has_its_link_and_the_call_that_it_makes(served: str):
    ids = re.findall(r"\sid=\"([\w-]+)\"", served)
    panels = re.findall(r"<section id=\"([\w-]+)\" class=\"panel\"", served)

    assert len(ids) == len(set(ids))
    assert panels == re.findall(r"<a href=\"#(\w+)\"><svg", served)
    assert served.count('class="code" role="group"') == len(panels)
