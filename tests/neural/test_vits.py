from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from tests.neural.speaking import said, say
from tests.waiting import TIMEOUT_S
from voice.engines.base import DeviceLost, Source, UnsupportedText
from voice.engines.coqui import Coqui, vits
from voice.engines.coqui.library import torch
from voice.engines.coqui.resident import Vits
from voice.engines.coqui.vits import AFTER, Row, Spoken, Wave

TEXTS = (
    "Yes.",
    "The quick brown fox jumps over the lazy dog.",
    "How are you today, my friend?",
    "no",
    "Five boxing wizards jump quickly, and then they rest for a very long while; so it is said.",
)
HOP = 256
# samples


def rows_of(model: Vits, source: Source, texts: Sequence[str] = TEXTS, **others: object) -> list[Row]:
    return [model._row(said(source, text, seed=number, **others)) for number, text in enumerate(texts)]


@pytest.fixture
def loaded(engine: Coqui, source: Source) -> Vits:
    model = engine._load(source)
    assert isinstance(model, Vits)
    return model


@pytest.fixture
def source(request: pytest.FixtureRequest) -> Source:
    found: Source = request.getfixturevalue(getattr(request, "param", "ana"))
    return found


@pytest.mark.parametrize("source", ["ana", "duo", "wide"], indirect=True)
def test_a_text_sounds_in_a_batch_as_it_does_alone(loaded: Vits, source: Source):
    rows = rows_of(loaded, source, speaker="bo")

    together = vits.speak(loaded._module, rows)

    alone = [vits.speak(loaded._module, [row])[0] for row in rows]
    assert [len(spoken.wave) for spoken in together] == [len(spoken.wave) for spoken in alone]
    assert [spoken.frames for spoken in together] == [spoken.frames for spoken in alone]
    assert max(float(np.abs(one.wave - other.wave).max()) for one, other in zip(together, alone, strict=True)) < 1e-5


@pytest.mark.parametrize("after", [0, AFTER])
@pytest.mark.parametrize("source", ["ana", "duo"], indirect=True)
def test_its_own_inference_makes_the_same_where_there_is_no_noise(
    loaded: Vits, source: Source, after: int, monkeypatch: pytest.MonkeyPatch
):
    module = loaded._module
    monkeypatch.setattr(module, "inference_noise_scale", 0.0)
    monkeypatch.setattr(module, "inference_noise_scale_dp", 0.0)
    row = rows_of(loaded, source, TEXTS[1:2], speaker="cleo")[0]
    th = torch()
    known = {"x_lengths": th.tensor([len(row.ids)]), "d_vectors": None, "language_ids": None, "durations": None}
    known["speaker_ids"] = None if row.speaker is None else th.tensor([row.speaker])

    ours = vits.speak(module, [row], after=after)[0].wave

    theirs = module.inference(th.tensor([row.ids]), known)["model_outputs"][0, 0].numpy()
    # what comes near the end hears the silence behind it, where there is some
    sure = len(theirs) - after * HOP
    assert len(ours) == len(theirs)
    assert sure > 0
    assert np.abs(ours[:sure] - theirs[:sure]).max() < 1e-5


@pytest.mark.parametrize("source", ["ana", "duo"], indirect=True)
def test_a_seed_decides_the_samples(engine: Coqui, source: Source):
    first, again, other = (say(engine, source, TEXTS[1], speaker="bo", seed=seed) for seed in (5, 5, 6))

    assert np.array_equal(first, again)
    assert not np.array_equal(first[:1_000], other[:1_000])


def test_without_a_seed_no_two_are_the_same(engine: Coqui, ana: Source):
    first, other = (say(engine, ana, TEXTS[1], seed=None) for _ in range(2))

    assert not np.array_equal(first, other)


def test_the_rows_of_a_batch_may_have_different_paces(loaded: Vits, source: Source):
    slow, normal, quick = (loaded._row(said(source, TEXTS[4], speed=speed, seed=1)) for speed in (0.5, 1.0, 2.0))

    waves = [spoken.wave for spoken in vits.speak(loaded._module, [quick, slow, normal])]

    assert len(waves[0]) < len(waves[2]) < len(waves[1])
    assert len(waves[1]) == pytest.approx(2 * len(waves[2]), rel=0.3)


def test_speakers_differ(engine: Coqui, duo: Source):
    bo, cleo = (say(engine, duo, TEXTS[1], speaker=name) for name in ("bo", "cleo"))

    assert not np.array_equal(bo[:1_000], cleo[:1_000])


@pytest.mark.parametrize("text", ["", " ", "日本語", "🙂", "\0"])
def test_it_refuses_a_text_of_which_it_knows_no_character(engine: Coqui, ana: Source, text: str):
    with pytest.raises(UnsupportedText):
        say(engine, ana, text)


def test_eight_threads_on_one_model_each_hear_their_own(engine: Coqui, duo: Source):
    wanted = [(TEXTS[number % 5], ("bo", "cleo")[number % 2], number) for number in range(16)]
    alone = [say(engine, duo, text, speaker=speaker, seed=seed) for text, speaker, seed in wanted]

    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(lambda each: say(engine, duo, each[0], speaker=each[1], seed=each[2]), wanted))

    assert all(map(np.array_equal, alone, together))


class Batched:
    """A VITS that speaks as on an accelerator: those that wait together, together."""

    def __init__(self, engine: Coqui, source: Source, *, window: float = 1.0) -> None:
        self.source = source
        self.module = engine._load(source)._module
        about = engine.describe(source.location)
        self.model = Vits(self.module, about, name="batched", window=window, most=5, largest=10_000)

    def say(self, text: str, seed: int) -> Wave:
        return next(self.model.speak(said(self.source, text, speaker="bo", seed=seed)))


@pytest.mark.parametrize("source", ["duo"], indirect=True)
def test_five_threads_are_spoken_in_one_pass_and_each_gets_its_own(engine: Coqui, source: Source, monkeypatch: pytest.MonkeyPatch):
    batched = Batched(engine, source, window=TIMEOUT_S)
    alone = [vits.speak(batched.module, [row])[0].wave for row in rows_of(batched.model, source, speaker="bo")]
    sizes: list[int] = []
    speak = vits.speak

    def counted(module: Any, rows: Sequence[Row], **options: Any) -> list[Spoken]:
        sizes.append(len(rows))
        return speak(module, rows, **options)

    monkeypatch.setattr(vits, "speak", counted)

    with ThreadPoolExecutor(5) as threads:
        together = list(threads.map(batched.say, TEXTS, range(5)))

    assert sizes == [5]
    assert max(float(np.abs(one - other).max()) for one, other in zip(together, alone, strict=True)) < 1e-5
    batched.model.close()


def test_a_sticky_error_in_a_batch_reaches_all_who_wait(engine: Coqui, ana: Source, monkeypatch: pytest.MonkeyPatch):
    batched = Batched(engine, ana)

    def lost(_module: object, _rows: object, **_options: object) -> list[Spoken]:
        raise RuntimeError("CUDA error: device-side assert triggered")

    monkeypatch.setattr(vits, "speak", lost)

    with ThreadPoolExecutor(8) as threads:
        results = [threads.submit(batched.say, "hello", seed) for seed in range(8)]

    assert [type(result.exception(TIMEOUT_S)) for result in results] == [DeviceLost] * 8
    batched.model.close()
