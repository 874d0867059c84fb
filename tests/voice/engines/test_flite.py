from __future__ import annotations

import os
import signal
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from pocketsphinx import Decoder

from tests.voice.engines.listening import loudness, say, seconds, words_in
from tests.waiting import wait_until
from voice.engines.base import EngineFailed, EngineUnavailable, UnsupportedText, Utterance
from voice.engines.flite import Flite, spelt

FOX = "The quick brown fox jumps over the lazy dog."
LONG = "word " * 300
KEY_WORDS = {
    "The weather is very nice today.": {"weather", "very", "nice", "today"},
    "She will come home tomorrow morning.": {"she", "come", "home", "tomorrow", "morning"},
    "I would like a cup of coffee.": {"would", "like", "cup", "coffee"},
    "We need to talk about the money.": {"need", "talk", "about", "money"},
}
SPEAKERS = ["slt", "rms", "awb", "kal"]


@pytest.fixture(scope="module")
def decoder() -> Decoder:
    return Decoder(loglevel="FATAL")


@pytest.mark.parametrize("speaker", ["slt", "rms", "kal"])
def test_a_recogniser_understands_it(flite: Flite, decoder: Decoder, speaker: str):
    understood = [words & words_in(decoder, say(flite, sentence, speaker)) for sentence, words in KEY_WORDS.items()]

    assert sum(map(len, understood)) >= 0.9 * sum(map(len, KEY_WORDS.values())), understood


@pytest.mark.parametrize("speaker", SPEAKERS)
def test_the_same_utterance_gives_the_same_samples(flite: Flite, speaker: str):
    first = say(flite, FOX, speaker)
    say(flite, "Something else in between.", speaker)

    assert np.array_equal(first, say(flite, FOX, speaker))
    assert first.dtype == np.int16
    assert loudness(first) > 0.02


def test_another_process_gives_the_same_samples_too(flite: Flite):
    assert np.array_equal(say(flite, FOX, "slt"), say(Flite(), FOX, "slt"))


def test_threads_hear_what_each_would_hear_alone(flite: Flite):
    texts = [(f"This is sentence number {number}.", SPEAKERS[number % len(SPEAKERS)]) for number in range(24)]
    alone = [say(flite, *text) for text in texts]

    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda text: say(flite, *text), texts))

    assert all(map(np.array_equal, alone, together))


def test_the_first_block_comes_while_the_rest_is_being_made(flite: Flite):
    blocks = flite.synthesize(Utterance(LONG, "slt", "en"))

    next(blocks)

    assert len(_family(flite)) == 2
    assert len(list(blocks)) > 100


def test_a_block_is_about_a_tenth_of_a_second_and_can_be_written_to(flite: Flite):
    blocks = list(flite.synthesize(Utterance(FOX, "slt", "en")))

    assert max(map(len, blocks)) <= 2_000
    assert all(block.flags.writeable for block in blocks)


def test_closing_stops_the_child(flite: Flite):
    blocks = flite.synthesize(Utterance(LONG, "slt", "en"))
    next(blocks)

    blocks.close()

    wait_until(lambda: len(_family(flite)) == 1)


@pytest.mark.parametrize("speed", [0.25, 0.5, 2.0, 4.0])
@pytest.mark.parametrize("speaker", ["slt", "kal"])
def test_speed_divides_the_duration(flite: Flite, speaker: str, speed: float):
    normal = seconds(flite, say(flite, FOX, speaker), speaker)

    asked = seconds(flite, say(flite, FOX, speaker, speed=speed), speaker)

    assert asked == pytest.approx(normal / speed, rel=0.1)


@pytest.mark.parametrize("text", ["", " ", "...", "日本語", "🙂", "\0", "\u0301"])
def test_it_refuses_a_text_without_a_letter_or_digit_it_knows(flite: Flite, text: str):
    with pytest.raises(UnsupportedText):
        say(flite, text, "slt")


def test_it_spells_what_ascii_lacks():
    assert spelt("Zoë’s “naïve” Straße — 5 €, æøł…")[0].split() == ["Zoe's", '"naive"', "Strasse", "-", "5", "euro", ",", "aeol..."]


def test_a_crash_of_the_library_fails_one_utterance_only(flite: Flite):
    blocks = flite.synthesize(Utterance(LONG, "slt", "en"))
    next(blocks)
    for child in _family(flite)[1:]:
        os.kill(child, signal.SIGSEGV)

    with pytest.raises(EngineFailed):
        list(blocks)

    assert len(say(flite, FOX, "slt")) > 0


def test_it_starts_its_process_again_when_that_is_gone():
    flite = Flite()
    before = say(flite, FOX, "slt")
    os.kill(_family(flite)[0], signal.SIGKILL)
    wait_until(lambda: not _family(flite))

    with ThreadPoolExecutor(4) as pool:
        after = list(pool.map(lambda _: say(flite, FOX, "slt"), range(4)))

    assert all(np.array_equal(before, pcm) for pcm in after)


def test_its_process_ends_with_it():
    flite = Flite()
    process = _family(flite)[0]

    del flite

    wait_until(lambda: not _alive(process))


def test_an_utterance_of_another_thread_outlives_a_close(flite: Flite):
    closing = flite.synthesize(Utterance(LONG, "slt", "en"))
    next(closing)
    heard: list[int] = []
    other = threading.Thread(target=lambda: heard.append(len(say(flite, FOX, "slt"))))

    other.start()
    closing.close()
    other.join()

    assert heard == [len(say(flite, FOX, "slt"))]


def test_it_is_unavailable_without_its_library():
    with pytest.raises(EngineUnavailable, match="apt-get install libflite1"):
        Flite("libflite-that-is-not-here.so.1")


def _family(flite: Flite) -> list[int]:
    """The process of the engine, and the children that speak."""
    process = flite.process
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(process)], capture_output=True, check=False, text=True)
    return [pid for pid in (process, *map(int, listed.stdout.split())) if _alive(pid)]


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
