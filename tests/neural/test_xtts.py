from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.neural.speaking import murmur, said, say, somebody
from tests.waiting import TIMEOUT_S
from voice.engines.base import EngineBusy, Pcm, Reference, Source, UnsupportedText
from voice.engines.coqui import Coqui
from voice.engines.coqui import xtts as streaming
from voice.engines.coqui.bounds import longest
from voice.engines.coqui.library import torch
from voice.engines.coqui.resident import Xtts, kept
from voice.engines.coqui.xtts import CODE_RATE, Conditioning

HELLO = "Hello there, my friend."
RATE = 24_000
LAST = 600
# samples at the end of a cut one that fade


@pytest.fixture(scope="module")
def model(engine: Coqui, xtts: Source) -> Xtts:
    loaded = engine._load(xtts)
    assert isinstance(loaded, Xtts)
    return loaded


@pytest.fixture
def dora(model: Xtts, xtts: Source) -> Conditioning:
    return model._conditioning(said(xtts, HELLO, speaker="dora"))


def decoded_at_once(module: Any, text: str, who: Conditioning, *, speed: float, most: int) -> Any:
    """All codes of a text, then Coqui's own decoder over all of them."""
    th = torch()
    th.manual_seed(1)
    with th.inference_mode():
        latents = th.cat([latent for _, latent in streaming._codes(module, text, "en", who.latents, most=most)])[None]
        if speed != 1:
            latents = th.nn.functional.interpolate(latents.transpose(1, 2), scale_factor=[1 / speed], mode="linear").transpose(1, 2)
        return module.hifigan_decoder(latents, g=who.embedding)[0, 0].numpy()


@pytest.mark.parametrize("speed", [0.5, 1.0, 1.3, 2.0])
def test_its_pieces_are_what_the_whole_would_be(model: Xtts, dora: Conditioning, speed: float):
    module = model._module
    most = round(longest(HELLO, "en", speed) * speed * CODE_RATE)
    whole = decoded_at_once(module, HELLO, dora, speed=speed, most=most)

    pieces = list(streaming.stream(module, HELLO, "en", dora, speed=speed, seed=1))

    together = np.concatenate(pieces)
    assert len(pieces) > 3
    assert len(together) == len(whole)
    assert np.abs(together[:-LAST] - whole[:-LAST]).max() < 1e-5


def test_the_first_piece_leaves_when_half_a_second_is_written(model: Xtts, dora: Conditioning, monkeypatch: pytest.MonkeyPatch):
    written: list[object] = []
    codes = streaming._codes

    def counted(*args: Any, **limits: Any) -> Iterator[object]:
        for code in codes(*args, **limits):
            written.append(code)
            yield code

    monkeypatch.setattr(streaming, "_codes", counted)

    spoken = streaming.stream(model._module, HELLO, "en", dora, speed=1.0, seed=1)
    first = next(spoken)
    spoken.close()

    assert len(written) <= CODE_RATE / 2
    assert len(first) > 0.1 * RATE


@pytest.mark.parametrize("speed", [1.0, 2.0])
def test_one_that_does_not_end_is_cut_at_its_longest_and_fades(engine: Coqui, xtts: Source, speed: float):
    pcm = say(engine, xtts, HELLO, speaker="dora", speed=speed)

    assert len(pcm) / RATE == pytest.approx(longest(HELLO, "en", speed), abs=0.1)
    assert np.abs(pcm[-2:]).max() <= np.abs(pcm).max() / 100


def test_one_that_does_not_end_is_cut_where_the_model_has_no_more_places(engine: Coqui, model: Xtts, xtts: Source):
    pcm = say(engine, xtts, "Hello there, my friend, how are you? " * 8, speaker="dora")

    assert len(pcm) / RATE == pytest.approx(model._module.gpt.max_gen_mel_tokens / CODE_RATE, abs=0.1)
    assert np.abs(pcm[-2:]).max() <= np.abs(pcm).max() / 100


def test_a_seed_decides_the_samples(engine: Coqui, xtts: Source):
    first, again, other = (say(engine, xtts, HELLO, speaker="dora", seed=seed) for seed in (1, 1, 2))

    assert np.array_equal(first, again)
    assert not np.array_equal(first[:5_000], other[:5_000])


def test_studio_speakers_differ(engine: Coqui, xtts: Source):
    dora, eve = (say(engine, xtts, HELLO, speaker=name) for name in ("dora", "eve"))

    assert not np.array_equal(dora[:5_000], eve[:5_000])


def test_two_at_once_each_hear_their_own(engine: Coqui, xtts: Source):
    wanted = [(HELLO, "dora", 1), ("Yes, I do.", "eve", 2), ("Five wizards jump.", "dora", 3), ("No.", "eve", 4)]
    alone = [say(engine, xtts, text, speaker=speaker, seed=seed) for text, speaker, seed in wanted]

    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(lambda each: say(engine, xtts, each[0], speaker=each[1], seed=each[2]), wanted))

    assert all(map(np.array_equal, alone, together))


def test_who_waits_for_its_turn_for_too_long_is_told_that_it_is_busy(model: Xtts, xtts: Source, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(model, "_patience", 0.05)
    first = model.speak(said(xtts, HELLO, speaker="dora"))
    next(first)

    with pytest.raises(EngineBusy):
        next(model.speak(said(xtts, "No.", speaker="eve")))

    first.close()
    assert len(next(model.speak(said(xtts, "No.", speaker="eve"))))


@pytest.mark.parametrize("text", ["", " ", "日本語", "🙂"])
def test_it_refuses_a_text_of_which_it_knows_no_character(engine: Coqui, xtts: Source, text: str):
    with pytest.raises(UnsupportedText):
        say(engine, xtts, text, speaker="dora")


def test_it_refuses_a_sentence_that_has_too_many_tokens(engine: Coqui, xtts: Source):
    with pytest.raises(UnsupportedText, match="too long") as refusal:
        say(engine, xtts, "Five wizards jump quickly. " * 60, speaker="dora")

    assert refusal.value.code == "segment_too_long"


class Recorded:
    """A voice whose recordings count how often they are asked for."""

    def __init__(self, folder: Path) -> None:
        self.asked = 0
        self.reference = Reference("voice-1", self._recordings, folder)

    def _recordings(self) -> Sequence[Pcm]:
        self.asked += 1
        return [murmur(3), murmur(2, seed=1)]


def test_a_voice_is_heard_once_however_often_it_speaks_and_wherever_it_is_loaded(engine: Coqui, xtts: Source, tmp_path: Path):
    voice = Recorded(tmp_path / "voices")
    first = say(engine, xtts, HELLO, reference=voice.reference)

    again = say(engine, xtts, HELLO, reference=voice.reference)
    engine.unload(xtts.name)
    reloaded = say(engine, xtts, HELLO, reference=voice.reference)

    assert voice.asked == 1
    assert np.array_equal(first, again)
    assert np.array_equal(first, reloaded)
    assert [path.name for path in (tmp_path / "voices").iterdir()] == ["voice-1.xtts.pt"]


def test_voices_sound_different(engine: Coqui, xtts: Source, tmp_path: Path):
    one = say(engine, xtts, HELLO, reference=somebody(tmp_path, key="one-1", seed=1))
    other = say(engine, xtts, HELLO, reference=somebody(tmp_path, key="other-1", seed=2))

    assert not np.array_equal(one[:5_000], other[:5_000])


def test_what_is_kept_of_a_voice_runs_no_code(engine: Coqui, xtts: Source, tmp_path: Path):
    class Code:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (tmp_path / "it ran",)

    torch().save({"latents": Code(), "embedding": Code()}, tmp_path / "evil-1.xtts.pt")

    assert len(say(engine, xtts, HELLO, reference=somebody(tmp_path, key="evil-1"))) > 0

    assert not (tmp_path / "it ran").exists()


@pytest.mark.parametrize("left", [b"", bytes(5_000), b"PK\x03\x04 torn"])
def test_what_was_kept_and_can_not_be_read_is_computed_anew(engine: Coqui, xtts: Source, tmp_path: Path, left: bytes):
    (tmp_path / f"torn{len(left)}-1.xtts.pt").write_bytes(left)

    assert len(say(engine, xtts, HELLO, reference=somebody(tmp_path, key=f"torn{len(left)}-1"))) > 0

    assert [len(path.read_bytes()) > len(left) for path in tmp_path.iterdir()] == [True]


def test_what_can_not_be_kept_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(*_: Any) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(torch(), "save", full)
    made = Conditioning(torch().zeros(1), torch().zeros(1))

    with pytest.raises(OSError, match="No space"):
        kept(somebody(tmp_path), "xtts", lambda _: made)

    assert list(tmp_path.iterdir()) == []


def test_closing_it_between_two_pieces_lets_the_next_begin(engine: Coqui, xtts: Source):
    spoken = engine.synthesize(said(xtts, HELLO, speaker="dora"))
    next(spoken)
    done = threading.Event()

    spoken.close()

    with ThreadPoolExecutor(1) as threads:
        threads.submit(say, engine, xtts, "No.", speaker="eve").add_done_callback(lambda _: done.set())
        assert done.wait(TIMEOUT_S)
