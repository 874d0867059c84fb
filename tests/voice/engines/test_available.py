from __future__ import annotations

import logging
import subprocess
import sys

import pytest

from voice.engines import available, espeak


def test_they_come_in_order_of_preference():
    assert [engine.name for engine in available()] == ["flite", "espeak", "tone"]


def test_no_two_stock_voices_share_a_name():
    names = [speaker.name for engine in available() for speaker in engine.speakers()]

    assert len(names) == len(set(names))
    assert {"slt", "rms", "awb", "kal", "espeak-de", "tone"} <= set(names)


def test_languages_are_in_lower_case():
    languages = [language for engine in available() for speaker in engine.speakers() for language in speaker.languages]

    assert languages == [language.lower() for language in languages]


def test_an_engine_without_its_library_is_left_out_and_the_log_says_why(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture):
    monkeypatch.setattr(espeak.Espeak.__init__, "__defaults__", ("espeak_loader_that_is_not_here",))

    with caplog.at_level(logging.INFO):
        names = [engine.name for engine in available()]

    assert names == ["flite", "tone"]
    assert "pip install espeakng-loader" in caplog.text


def test_they_import_no_framework():
    code = "import sys, voice.engines; print(*(name for name in ('django', 'channels', 'dramatiq') if name in sys.modules))"

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout.split() == []
