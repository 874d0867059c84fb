from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from tests.neural.speaking import RATE, murmur, said, somebody
from tests.waiting import TIMEOUT_S
from voice.engines.base import EngineBusy, ModelBroken, Pcm, Source, UnsupportedText
from voice.engines.coqui import Coqui
from voice.engines.coqui.conversion import LONGEST_PIECE, SHORTEST_PIECE, Converter, pieces, quietest

BLOCK = 2_400
# samples
MODELS = ("freevc", "openvoice", "knnvc")


def blocks(pcm: Pcm) -> Iterator[Pcm]:
    for start in range(0, len(pcm), BLOCK):
        yield pcm[start : start + BLOCK]


def hush(pcm: Pcm, at: float, seconds: float = 0.2) -> Pcm:
    """Silent around a moment."""
    quiet = pcm.copy()
    quiet[round((at - seconds / 2) * RATE) : round((at + seconds / 2) * RATE)] = 0
    return quiet


@pytest.fixture(params=MODELS)
def source(request: pytest.FixtureRequest) -> Source:
    found: Source = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def converter(engine: Coqui, freevc: Source) -> Converter:
    model = engine._load(freevc)
    assert isinstance(model, Converter)
    return model


def loud(seconds: float) -> Pcm:
    return np.random.default_rng(3).integers(-9_000, 9_000, round(seconds * RATE), np.int16)


def test_a_piece_is_cut_at_its_quietest_moment():
    speech = hush(loud(LONGEST_PIECE), 7.0)

    assert quietest(speech) / RATE == pytest.approx(7.0, abs=0.1)


def test_a_pause_that_comes_too_early_is_no_place_to_cut():
    speech = hush(hush(loud(LONGEST_PIECE), SHORTEST_PIECE - 1, 0.5), 9.0, 0.1)

    assert quietest(speech) / RATE == pytest.approx(9.0, abs=0.1)


def test_pieces_together_are_what_came_in():
    speech = hush(hush(loud(31), 6.0), 15.0)

    cut = list(pieces(blocks(speech)))

    assert np.array_equal(np.concatenate(cut), speech)
    assert [round(len(piece) / RATE) for piece in cut[:2]] == [6, 9]
    assert all(len(piece) <= LONGEST_PIECE * RATE for piece in cut)


def test_a_short_recording_is_one_piece_and_none_is_none():
    speech = loud(3)

    assert [len(piece) for piece in pieces(blocks(speech))] == [len(speech)]
    assert list(pieces([])) == []


def test_it_converts_to_about_the_same_length(engine: Coqui, source: Source, tmp_path: Path):
    speech = murmur(2)

    pcm = np.concatenate(list(engine.convert(blocks(speech), somebody(tmp_path), source)))

    rate = engine.describe(source.location).rate
    assert len(pcm) / rate == pytest.approx(2, abs=0.05)
    assert np.abs(pcm).max() > 0


def test_whom_it_is_to_sound_like_makes_a_difference(engine: Coqui, source: Source, tmp_path: Path):
    one, other = (somebody(tmp_path, key=f"voice-{seed}", seed=seed) for seed in (1, 2))

    first, second = (np.concatenate(list(engine.convert([murmur(1)], who, source))) for who in (one, other))

    assert not np.array_equal(first, second)


@pytest.mark.parametrize("samples", [1, 100, 700])
def test_the_shortest_piece_is_converted_too(engine: Coqui, source: Source, tmp_path: Path, samples: int):
    rate = engine.describe(source.location).rate

    pcm = np.concatenate(list(engine.convert([murmur(1)[1_000 : 1_000 + samples]], somebody(tmp_path), source)))

    assert len(pcm) == round(samples * rate / RATE)


def test_a_piece_leaves_before_the_next_is_heard(engine: Coqui, freevc: Source, tmp_path: Path):
    heard = 0

    def recording() -> Iterator[Pcm]:
        nonlocal heard
        for block in blocks(hush(loud(26), 5.0)):
            heard += len(block)
            yield block

    converted = engine.convert(recording(), somebody(tmp_path), freevc)
    first = next(converted)
    after_one_piece = heard / RATE
    rest = list(converted)

    assert len(first) / RATE == pytest.approx(5.0, abs=0.2)
    assert after_one_piece == pytest.approx(LONGEST_PIECE, abs=0.2)
    assert (len(first) + sum(map(len, rest))) / RATE == pytest.approx(26, abs=0.2)


def test_a_voice_is_learnt_once(converter: Converter, tmp_path: Path):
    who = somebody(tmp_path)
    next(converter.convert([murmur(1)], who))
    learnt = converter._features(who)

    next(converter.convert([murmur(1)], who))

    assert converter._features(who) is learnt


def test_who_waits_for_its_turn_for_too_long_is_told_that_it_is_busy(converter: Converter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(converter, "_patience", 0.05)
    with converter._turn, pytest.raises(EngineBusy):
        next(converter.convert([murmur(1)], somebody(tmp_path)))


def test_two_recordings_are_converted_side_by_side(engine: Coqui, openvoice: Source, tmp_path: Path):
    who = somebody(tmp_path)
    both = threading.Barrier(2)

    def convert(seconds: float) -> float:
        converted = engine.convert([murmur(seconds)], who, openvoice)
        both.wait(TIMEOUT_S)
        return sum(map(len, converted)) / engine.describe(openvoice.location).rate

    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(convert, [1.0, 2.0])) == [pytest.approx(1.0, abs=0.05), pytest.approx(2.0, abs=0.05)]


def test_a_model_that_speaks_converts_nothing(engine: Coqui, ana: Source, tmp_path: Path):
    with pytest.raises(ModelBroken) as refusal:
        list(engine.convert([murmur(1)], somebody(tmp_path), ana))

    assert "'ana' is no model for voice conversion" in refusal.value.reason


def test_a_model_that_converts_speaks_nothing(engine: Coqui, freevc: Source):
    with pytest.raises(UnsupportedText, match="reads no text"):
        list(engine.synthesize(said(freevc, "Hello.")))
