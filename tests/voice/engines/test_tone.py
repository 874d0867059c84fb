from __future__ import annotations

import signal
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from tests.tones import NotATone, read_tones
from tests.voice.engines.listening import say
from voice.engines.base import EngineFailed, UnsupportedText, Utterance
from voice.engines.tone import DIES_HALF_WAY, FAILS_AT_ONCE, FAILS_HALF_WAY, HANGS_HALF_WAY, SLOW, Tone

EVERY_BYTE_OF_UTF8 = "".join(map(chr, range(128))) + "äöüß€日本語🙂" + "".join(map(chr, range(0x80, 0x900)))


@pytest.mark.parametrize("text", ["a", "hello world", EVERY_BYTE_OF_UTF8, "\0", "  \n "])
def test_what_it_speaks_can_be_read_back(text: str):
    assert read_tones(say(Tone(), text, "tone")) == text


def test_every_byte_has_its_own_tone_at_half_scale():
    pcm = say(Tone(), "A", "tone")

    assert len(pcm) == 960
    assert np.abs(np.fft.rfft(pcm)).argmax() * 25 == 500 + 25 * ord("A")
    assert int(np.abs(pcm).max()) == pytest.approx(16_384, rel=0.02)


def test_it_streams_blocks_of_a_fifth_of_a_second_at_most():
    blocks = list(Tone().synthesize(Utterance("some words to speak", "tone", "en")))

    assert max(map(len, blocks)) == 4_800
    assert all(block.dtype == np.int16 for block in blocks)


@pytest.mark.parametrize("text", ["", "\ud800"])
def test_it_refuses_what_has_no_bytes(text: str):
    with pytest.raises(UnsupportedText):
        say(Tone(), text, "tone")


@pytest.mark.parametrize("seed", [FAILS_AT_ONCE, FAILS_HALF_WAY, HANGS_HALF_WAY, DIES_HALF_WAY, SLOW + 60_000])
def test_seeds_change_nothing_where_test_engines_are_not_allowed(seed: int):
    assert read_tones(say(Tone(), "calm", "tone", seed=seed)) == "calm"


@pytest.mark.parametrize("seed", [None, 0, 5, 999, 61_001, -1])
def test_other_seeds_change_nothing(seed: int | None):
    assert read_tones(say(Tone(misbehave=True), "calm", "tone", seed=seed)) == "calm"


def test_it_fails_at_once_for_good():
    with pytest.raises(EngineFailed) as failed:
        next(_misbehaving("four", FAILS_AT_ONCE))

    assert not failed.value.transient


def test_it_fails_half_way_for_now():
    blocks = _misbehaving("four", FAILS_HALF_WAY)

    assert read_tones(next(blocks)) == "fo"
    with pytest.raises(EngineFailed) as failed:
        next(blocks)
    assert failed.value.transient


def test_it_hangs_and_can_be_closed():
    blocks = _misbehaving("four", HANGS_HALF_WAY)

    assert read_tones(next(blocks)) == "fo"
    assert [len(next(blocks)) for _ in range(20)] == [0] * 20
    blocks.close()


def test_it_is_as_slow_as_the_seed_says(monkeypatch: pytest.MonkeyPatch):
    pauses: list[float] = []
    monkeypatch.setattr("voice.engines.tone.time", SimpleNamespace(sleep=pauses.append))

    lengths = [len(block) for block in _misbehaving("four", SLOW + 30)]

    assert lengths == [960] * 4
    assert pauses == [0.03] * 4


def test_it_kills_its_process():
    code = f"from voice.engines.tone import *; list(Tone(misbehave=True).synthesize(Utterance('four', 'tone', 'en', 1.0, {DIES_HALF_WAY})))"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -signal.SIGKILL


@pytest.mark.parametrize("spoil", ["noise", "silence", "two tones", "cut", "quiet"])
def test_the_reader_takes_nothing_but_clean_tones(spoil: str):
    pcm = say(Tone(), "ab", "tone")
    spoilt = {
        "noise": (pcm // 4 + np.random.default_rng(1).integers(-8_000, 8_000, len(pcm))).astype(np.int16),
        "silence": np.zeros(960, np.int16),
        "two tones": pcm[:960] // 2 + pcm[960:] // 2,
        "cut": pcm[100:],
        "quiet": pcm // 4,
    }[spoil]

    with pytest.raises(NotATone):
        read_tones(spoilt)


def _misbehaving(text: str, seed: int):
    return Tone(misbehave=True).synthesize(Utterance(text, "tone", "en", 1.0, seed))
