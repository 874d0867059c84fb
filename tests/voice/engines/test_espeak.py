from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tests.voice.engines.listening import loudness, say, seconds
from voice.engines.base import EngineUnavailable, UnsupportedText, Utterance
from voice.engines.espeak import Espeak

FOX = "The quick brown fox jumps over the lazy dog."
US = "espeak-en-us"


def test_it_speaks_many_languages(espeak: Espeak):
    greetings = {
        "de": "Guten Tag, wie geht es Ihnen?",
        "fr-fr": "Bonjour tout le monde",
        "cmn": "你好世界",
        "ru": "Добрый день",
        "ja": "こんにちは",
    }

    heard = {code: say(espeak, text, f"espeak-{code}") for code, text in greetings.items()}

    assert all(0.4 < len(pcm) / 22_050 < 5 for pcm in heard.values())
    assert all(loudness(pcm) > 0.02 for pcm in heard.values())


def test_each_language_has_one_best_voice(espeak: Espeak):
    listed = Counter(language for speaker in espeak.speakers() for language in speaker.languages)
    names = [speaker.name for speaker in espeak.speakers()]

    assert set(listed.values()) == {1}
    assert len(names) == len(set(names)) > 100
    assert {language.partition("-")[0] for language in listed} <= set(listed)


@pytest.mark.parametrize(
    ("language", "name"),
    [
        ("en", US),
        ("en-gb", "espeak-en-gb"),
        ("de", "espeak-de"),
        ("fr", "espeak-fr-fr"),
        ("zh", "espeak-cmn"),
        ("no", "espeak-nb"),
        ("pt", "espeak-pt"),
    ],
)
def test_the_best_voice_of_a_language(espeak: Espeak, language: str, name: str):
    assert [speaker.name for speaker in espeak.speakers() if language in speaker.languages] == [name]


def test_the_main_language_comes_first(espeak: Espeak):
    assert next(speaker for speaker in espeak.speakers() if speaker.name == US).languages == ("en-us", "en")


def test_every_voice_speaks(espeak: Espeak):
    mute = [speaker.name for speaker in espeak.speakers() if loudness(say(espeak, "1 2 3 a", speaker.name)) < 0.01]

    assert mute == []


def test_eight_threads_each_hear_their_own_text(espeak: Espeak):
    voices = [US, "espeak-de", "espeak-fr-fr", "espeak-es"]
    texts = [("word " * (1 + number % 8), voices[number % len(voices)]) for number in range(200)]
    alone = [len(say(espeak, *text)) for text in texts[:8]]

    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda text: len(say(espeak, *text)), texts))

    assert together == pytest.approx(alone * 25, rel=0.05)


def test_two_instances_share_the_library(espeak: Espeak):
    other = Espeak()

    with ThreadPoolExecutor(4) as pool:
        lengths = list(pool.map(lambda engine: len(say(engine, FOX, US)), [espeak, other] * 10))

    assert lengths == pytest.approx([lengths[0]] * 20, rel=0.05)


def test_a_slow_listener_keeps_nobody_waiting(espeak: Espeak):
    slow = espeak.synthesize(Utterance("word " * 500, US, "en"))
    next(slow)

    say(espeak, FOX, US)

    assert sum(map(len, slow)) > 22_050 * 60


def test_closing_stops_the_library(espeak: Espeak):
    long = espeak.synthesize(Utterance("word " * 50_000, US, "en"))
    next(long)

    long.close()

    assert len(say(espeak, "Next.", US))


def test_blocks_are_short_and_can_be_written_to(espeak: Espeak):
    blocks = list(espeak.synthesize(Utterance(FOX, US, "en")))

    assert max(map(len, blocks)) < 22_050 * 0.11
    assert all(block.dtype == np.int16 and block.flags.writeable for block in blocks)


@pytest.mark.parametrize("speed", [0.5, 0.75, 1.5, 2.0, 4.0])
def test_speed_divides_the_duration(espeak: Espeak, speed: float):
    normal = seconds(espeak, say(espeak, FOX, US), US)

    asked = seconds(espeak, say(espeak, FOX, US, speed=speed), US)

    assert asked == pytest.approx(normal / speed, rel=0.12)


def test_below_its_slowest_rate_it_gets_no_slower(espeak: Espeak):
    slowest = len(say(espeak, FOX, US, speed=80 / 175))

    assert len(say(espeak, FOX, US, speed=0.25)) == pytest.approx(slowest, rel=0.05)


@pytest.mark.parametrize("text", ["", " ", "...", "\0", "\u0301", "\ue000" * 3])
def test_it_refuses_a_text_with_nothing_to_say(espeak: Espeak, text: str):
    with pytest.raises(UnsupportedText):
        say(espeak, text, US)


def test_it_is_unavailable_without_its_package():
    with pytest.raises(EngineUnavailable, match="pip install espeakng-loader"):
        Espeak("espeak_loader_that_is_not_here")
