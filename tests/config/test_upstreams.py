"""UPSTREAMS, as an operator may get it wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.env import read

ROOT = Path(__file__).resolve().parents[2]
RIGHT = {
    "name": "cloud",
    "url": "https://speech.example/v1/",
    "keys": ["sk-hunter2"],
    "model": "tts-1",
    "voices": [{"name": "anna", "upstream_voice": "alloy", "languages": ["en-US", "en"], "gender": "female"}],
}


def reading(monkeypatch: pytest.MonkeyPatch, *upstreams: dict[str, Any]) -> Any:
    monkeypatch.setenv("UPSTREAMS", json.dumps(upstreams))
    return read(_env_file=None).upstreams


def test_nothing_set_is_no_upstream(monkeypatch):
    monkeypatch.setenv("UPSTREAMS", "")

    assert read(_env_file=None).upstreams == ()


def test_what_is_right_is_taken(monkeypatch):
    (upstream,) = reading(monkeypatch, RIGHT)

    assert (upstream.url, upstream.rate, upstream.fallback) == ("https://speech.example/v1", 24_000, "")
    assert upstream.voices[0].languages == ("en-us", "en")
    assert upstream.voices[0].asked_as == "alloy"
    assert upstream.keys[0].get_secret_value() == "sk-hunter2"


def test_a_key_is_not_shown_by_accident(monkeypatch):
    assert "hunter2" not in repr(reading(monkeypatch, RIGHT))


@pytest.mark.parametrize(
    ("change", "place", "expected"),
    [
        ({"url": "speech.example"}, "url", "https://"),
        ({"url": "ftp://speech.example/v1"}, "url", "https://"),
        ({"url": "https://sk-hunter2:x@speech.example/v1"}, "url", "among the keys"),
        ({"url": "https://speech.example/v1?key=sk-hunter2"}, "url", "https://"),
        ({"url": "https://speech.example:sk-hunter2/v1"}, "url", "https://"),
        ({"url": "https://speech.example:99999/v1"}, "url", "https://"),
        ({"url": "https://speech.example/v1\n"}, "url", "https://"),
        ({"url": "https://speech example/v1"}, "url", "https://"),
        ({"keys": "sk-hunter2"}, "keys", "tuple"),
        ({"keys": ["sk-hunter2\n"]}, "keys[0]", "printable"),
        ({"keys": [""]}, "keys[0]", "printable"),
        ({"name": "a/b"}, "name", "pattern"),
        ({"model": ""}, "model", "at least 1"),
        ({"voices": []}, "voices", "at least 1"),
        ({"voices": [{"name": "anna", "languages": []}]}, "voices[0].languages", "at least 1"),
        ({"voices": [{"name": "anna", "languages": ["English!"]}]}, "voices[0].languages[0]", "pattern"),
        ({"voices": [{"name": "anna", "languages": ["en"], "gender": "x"}]}, "voices[0].gender", "'female'"),
        ({"rate": 44}, "rate", "8000"),
        ({"timeout": 0}, "timeout", "greater than 0"),
        ({"concurrency": "many"}, "concurrency", "integer"),
        ({"passes": ["instructions"]}, "passes[0]", "'language'"),
        ({"hunter2": 1}, "hunter2", "not permitted"),
    ],
)
def test_a_wrong_field_is_named_and_its_value_is_not(monkeypatch, change, place, expected):
    with pytest.raises(ImproperlyConfigured) as error:
        reading(monkeypatch, RIGHT, {**RIGHT, "name": "other", **change})

    assert f"UPSTREAMS[1].{place}: " in str(error.value)
    assert expected in str(error.value)
    assert "sk-hunter2" not in str(error.value)


@pytest.mark.parametrize("value", ["[{", "cloud", "{}", "3", '["cloud"]'])
def test_what_is_no_list_of_upstreams_is_refused(monkeypatch, value):
    monkeypatch.setenv("UPSTREAMS", value)

    with pytest.raises(ImproperlyConfigured, match="UPSTREAMS"):
        read(_env_file=None)


def test_two_of_a_name_are_refused(monkeypatch):
    with pytest.raises(ImproperlyConfigured, match="UPSTREAMS: expected upstreams with different names"):
        reading(monkeypatch, RIGHT, RIGHT)


def test_two_voices_of_a_name_are_refused(monkeypatch):
    with pytest.raises(ImproperlyConfigured, match=r"UPSTREAMS\[0\]: expected voices with different names"):
        reading(monkeypatch, {**RIGHT, "voices": [*RIGHT["voices"], *RIGHT["voices"]]})


def test_a_wrong_one_stops_the_start():
    done = subprocess.run(
        [sys.executable, "manage.py", "work"],
        cwd=ROOT,
        env={**os.environ, "ENV_FILE": "", "UPSTREAMS": json.dumps([{**RIGHT, "url": "nowhere"}])},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode != 0
    assert "UPSTREAMS[0].url" in done.stderr
    assert "hunter2" not in done.stderr
    assert "Traceback" not in done.stderr
