from __future__ import annotations

import re

from voice.subtitles import srt, vtt
from voice.timing import Timed

LONG = "The old lamp in the harbour was lit every evening, whatever the weather, by a man whose name nobody knew."
SENTENCES = [Timed("First & <best>.", 0.0, 1.25), Timed("...", 1.25, 1.25), Timed(LONG, 1.5, 3_725.0406)]


def test_srt():
    assert srt(SENTENCES) == (
        "1\n00:00:00,000 --> 00:00:01,250\nFirst & <best>.\n"
        "\n"
        "2\n00:00:01,500 --> 01:02:05,041\n"
        "The old lamp in the harbour was lit every\nevening, whatever the weather, by a man\nwhose name nobody knew.\n"
    )


def test_vtt():
    assert vtt(SENTENCES) == (
        "WEBVTT\n"
        "\n"
        "00:00:00.000 --> 00:00:01.250\nFirst &amp; &lt;best&gt;.\n"
        "\n"
        "00:00:01.500 --> 01:02:05.041\n"
        "The old lamp in the harbour was lit every\nevening, whatever the weather, by a man\nwhose name nobody knew.\n"
    )


def test_an_arrow_in_the_text_is_not_taken_for_times():
    hostile = [Timed("a --> b\n\n00:00:00.000 --> 00:00:09.000\nc", 0.0, 1.0)]

    for written in (srt(hostile), vtt(hostile)):
        assert written.count("-->") == 1
        assert len(re.findall(r"\n\n", written.removeprefix("WEBVTT\n\n"))) == 0


def test_without_sentences_there_are_no_cues():
    assert (srt([]), vtt([])) == ("", "WEBVTT\n")


def test_a_text_without_blanks_is_wrapped_too():
    written = srt([Timed("字" * 100, 0.0, 1.0)])

    assert [len(line) for line in written.splitlines()[2:]] == [42, 42, 16]
