from __future__ import annotations

import gc
import json
import os
import shutil
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.neural.speaking import RATE, murmur, said, say, somebody, source_at
from tests.waiting import wait_until
from voice.engines.base import DeviceLost, EngineFailed, EngineUnavailable, ModelBroken, Pcm, Source, UnsupportedText
from voice.engines.batch import OutOfMemory
from voice.engines.coqui import Coqui, Settings, conversion, device, library, vits, zoo
from voice.engines.coqui import xtts as streaming
from voice.engines.coqui.library import torch, tts
from voice.engines.coqui.vits import Spoken, Wave

FOX = "The quick brown fox jumps over the lazy dog."
STICKY = "CUDA error: device-side assert triggered"


@pytest.fixture
def fresh(home: Path) -> Callable[..., Coqui]:
    """An engine of its own."""

    def make(**settings: Any) -> Coqui:
        return Coqui(Settings(models=home, **settings))

    return make


def loaded(engine: Coqui) -> list[str]:
    return sorted(each.name for each in engine.report()[1])


class Code:
    """What runs when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self._mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self._mark}",)


class Failing:
    """`vits.speak` that fails the first times."""

    def __init__(self, error: Exception, times: int) -> None:
        self._error = error
        self.left = times
        self.calls = 0
        self.held: list[weakref.ref[Any]] = []
        # what the failed attempts had made
        self.held_at_retry = 0
        self._speak = vits.speak

    def __call__(self, module: Any, rows: Any, **options: Any) -> list[Spoken]:
        self.calls += 1
        self.held_at_retry = sum(activations() is not None for activations in self.held)
        if self.left:
            self.left -= 1
            activations = torch().zeros(1_000)
            self.held.append(weakref.ref(activations))
            raise self._error
        return self._speak(module, rows, **options)


@pytest.fixture
def fail(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Failing]:
    def make(error: Exception, times: int = 1_000) -> Failing:
        failing = Failing(error, times)
        monkeypatch.setattr(vits, "speak", failing)
        return failing

    return make


def test_it_describes_models_without_loading_them(engine: Coqui, duo: Source, xtts: Source, freevc: Source, openvoice: Source):
    two, clones, converts, open_one = (engine.describe(each.location) for each in (duo, xtts, freevc, openvoice))

    assert (two.kind, two.rate, two.languages, two.speakers) == ("vits", 22_050, ("en",), ("bo", "cleo"))
    assert (clones.kind, clones.rate, clones.languages, clones.speakers) == ("xtts", 24_000, ("en", "de"), ("dora", "eve"))
    assert (clones.clones, clones.converts, two.clones) == (True, False, False)
    assert (converts.kind, converts.rate, converts.converts, converts.speakers) == ("freevc", 24_000, True, ())
    assert (open_one.kind, open_one.rate, open_one.converts) == ("openvoice", 22_050, True)
    assert two.bytes == (two.folder / "model.pth").stat().st_size


def test_it_loads_when_asked_and_speaks_sixteen_bit_samples(fresh: Callable[..., Coqui], ana: Source):
    engine = fresh()
    assert engine.report() == ({}, [])

    pcm = say(engine, ana, FOX)

    about, models = engine.report()
    assert pcm.dtype == np.int16
    assert about["device"] == "cpu"
    assert [(each.name, each.users) for each in models] == [("ana", 0)]
    assert models[0].bytes == pytest.approx(engine.describe(ana.location).bytes, rel=0.1)


def test_a_model_of_any_other_kind_speaks_by_its_own_interface(engine: Coqui, speedy: Source):
    pcm = say(engine, speedy, FOX)

    assert len(pcm) > 1_000
    assert np.abs(pcm[-100:]).max() > 0


@pytest.mark.parametrize("text", ["", " ", "日本語", "no"])
def test_such_a_model_refuses_what_it_has_too_few_characters_of(engine: Coqui, speedy: Source, text: str):
    with pytest.raises(UnsupportedText):
        say(engine, speedy, text)


def test_unloading_frees_a_model(fresh: Callable[..., Coqui], ana: Source):
    engine = fresh()
    engine.preload(ana)
    with engine._pool.use(ana) as model:
        weights = weakref.ref(next(model._module.parameters()))
    del model

    assert engine.unload("ana")
    gc.collect()

    assert weights() is None
    assert loaded(engine) == []
    assert len(say(engine, ana, FOX)) > 0


def test_under_a_budget_two_models_take_turns(fresh: Callable[..., Coqui], ana: Source, wide: Source):
    larger = max(fresh().describe(each.location).bytes for each in (ana, wide))
    engine = fresh(budget=round(larger * 1.5))

    say(engine, ana, FOX)
    assert loaded(engine) == ["ana"]
    say(engine, wide, FOX)
    assert loaded(engine) == ["wide"]
    say(engine, ana, FOX)
    assert loaded(engine) == ["ana"]


def test_what_made_room_is_gone_before_the_next_is_loaded(
    fresh: Callable[..., Coqui], freevc: Source, ana: Source, monkeypatch: pytest.MonkeyPatch
):
    engine = fresh(budget=1)
    engine.preload(freevc)
    with engine._pool.use(freevc) as model:
        weights = [weakref.ref(each) for each in model._module.parameters()]
    del model
    read = engine._read
    left: list[weakref.ref[Any]] = []

    def look(source: Source) -> Any:
        left.extend(each for each in weights if each() is not None)
        return read(source)

    monkeypatch.setattr(engine, "_read", look)
    gc.disable()
    try:
        engine.preload(ana)
    finally:
        gc.enable()

    assert loaded(engine) == ["ana"]
    assert not left


def test_an_idle_model_is_let_go(fresh: Callable[..., Coqui], ana: Source):
    engine = fresh(idle=0.1)

    say(engine, ana, FOX)

    wait_until(lambda: not loaded(engine))


def test_closing_between_two_blocks_gives_the_model_back(fresh: Callable[..., Coqui], xtts: Source):
    engine = fresh()
    spoken = engine.synthesize(said(xtts, FOX, speaker="dora"))
    next(spoken)
    assert not engine.unload("xtts")

    spoken.close()

    assert engine.unload("xtts")


def test_threads_of_an_operation_are_what_was_set(fresh: Callable[..., Coqui], ana: Source):
    fresh(threads=2).preload(ana)
    assert torch().get_num_threads() == 2

    fresh(threads=1).preload(ana)
    assert torch().get_num_threads() == 1


def test_an_utterance_without_a_model_is_refused(engine: Coqui):
    with pytest.raises(ModelBroken):
        list(engine.synthesize(said(None, FOX)))  # type: ignore[arg-type]


def test_it_is_unavailable_without_its_library(home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(library, "installed", lambda: False)

    with pytest.raises(EngineUnavailable, match="pip install"):
        Coqui(Settings(models=home))


def missing(folder: Path) -> None:
    shutil.rmtree(folder)


def without_weights(folder: Path) -> None:
    (folder / "model.pth").unlink()


def torn(folder: Path) -> None:
    (folder / "config.json").write_text('{"model": "vits", ')


def a_list(folder: Path) -> None:
    (folder / "config.json").write_text("[1, 2]")


def nameless(folder: Path) -> None:
    (folder / "config.json").write_text("{}")


def with_torn_speakers(folder: Path) -> None:
    (folder / "speakers.pth").write_bytes(b"PK\x03\x04 torn")


def with_no_speakers(folder: Path) -> None:
    (folder / "speakers.pth").write_bytes(b"")


def behind_a_file(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.write_text("no folder")


@pytest.mark.parametrize("spoil", [missing, without_weights, torn, a_list, nameless, with_torn_speakers, with_no_speakers, behind_a_file])
def test_what_can_not_be_described_is_a_broken_model(
    fresh: Callable[..., Coqui], duo: Source, tmp_path: Path, spoil: Callable[[Path], None]
):
    copy = source_at(shutil.copytree(duo.location, tmp_path / "copy"))
    spoil(tmp_path / "copy")
    engine = fresh()

    for ask in (lambda: engine.describe(copy.location), lambda: say(engine, copy, FOX), lambda: engine.preload(copy)):
        with pytest.raises(ModelBroken) as refusal:
            ask()
        assert str(tmp_path / "copy") in refusal.value.reason


@pytest.mark.parametrize("kind", ["bark", "tortoise"])
def test_kinds_whose_files_run_code_are_refused(engine: Coqui, tmp_path: Path, kind: str):
    (tmp_path / "config.json").write_text(json.dumps({"model": kind}))
    torch().save({}, tmp_path / "model.pth")

    with pytest.raises(ModelBroken) as refusal:
        engine.describe(str(tmp_path))

    assert f"'{kind}' is not offered" in refusal.value.reason


def test_weights_that_do_not_fit_are_a_broken_model(fresh: Callable[..., Coqui], ana: Source, duo: Source, tmp_path: Path):
    copy = source_at(shutil.copytree(ana.location, tmp_path / "copy"))
    shutil.copy(Path(duo.location) / "model.pth", tmp_path / "copy" / "model.pth")

    with pytest.raises(ModelBroken) as refusal:
        say(fresh(), copy, FOX)

    assert "state_dict" in refusal.value.reason


@pytest.mark.parametrize(
    ("model", "file"),
    [("ana", "model.pth"), ("duo", "speakers.pth"), ("xtts", "model.pth"), ("xtts", "speakers_xtts.pth"), ("freevc", "model.pth"),
     ("openvoice", "checkpoint.pth"), ("knnvc", "vocoder/model.pth")],
)  # fmt: skip
def test_a_file_that_holds_code_is_refused_and_runs_nothing(
    request: pytest.FixtureRequest, fresh: Callable[..., Coqui], tmp_path: Path, model: str, file: str
):
    location = request.getfixturevalue(model).location
    copy = source_at(shutil.copytree(location, tmp_path / model))
    torch().save({"model": Code(tmp_path / "it ran"), "dora": Code(tmp_path / "it ran")}, tmp_path / model / file)

    with pytest.raises(ModelBroken) as refusal:
        fresh().preload(copy)

    assert "Weights only load failed" in refusal.value.reason
    assert not (tmp_path / "it ran").exists()


def test_after_a_sticky_error_everything_is_refused_at_once(
    fresh: Callable[..., Coqui], ana: Source, freevc: Source, tmp_path: Path, fail: Callable[..., Failing]
):
    engine = fresh()
    failing = fail(RuntimeError(STICKY), times=1)

    with pytest.raises(DeviceLost):
        say(engine, ana, FOX)

    for ask in (
        lambda: say(engine, ana, FOX),
        lambda: engine.preload(ana),
        lambda: list(engine.convert([murmur(1)], somebody(tmp_path), freevc)),
    ):
        with pytest.raises(DeviceLost):
            ask()
    assert failing.calls == 1
    assert loaded(engine) == ["ana"]


def test_a_device_that_is_lost_while_a_model_is_loaded_is_lost_for_all(
    fresh: Callable[..., Coqui], ana: Source, freevc: Source, monkeypatch: pytest.MonkeyPatch
):
    def lost(**_: Any) -> None:
        raise torch().AcceleratorError("unspecified launch failure")

    engine = fresh()
    with monkeypatch.context() as patch:
        patch.setattr(tts("TTS.utils.synthesizer"), "Synthesizer", lost)
        with pytest.raises(DeviceLost):
            say(engine, ana, FOX)

    with pytest.raises(DeviceLost):
        engine.preload(freevc)


def test_another_error_is_an_error_and_no_lost_device(fresh: Callable[..., Coqui], ana: Source, fail: Callable[..., Failing]):
    engine = fresh()
    fail(RuntimeError("shapes do not fit"), times=1)

    with pytest.raises(RuntimeError, match="shapes do not fit"):
        say(engine, ana, FOX)

    assert len(say(engine, ana, FOX)) > 0


def test_without_memory_all_that_is_unused_is_let_go_and_it_is_tried_again(
    fresh: Callable[..., Coqui], ana: Source, wide: Source, fail: Callable[..., Failing]
):
    engine = fresh()
    unhurt = say(engine, ana, FOX)
    engine.preload(wide)
    failing = fail(torch().OutOfMemoryError("CUDA out of memory"), times=1)

    pcm = say(engine, ana, FOX)

    assert np.array_equal(pcm, unhurt)
    assert failing.calls == 2
    assert failing.held_at_retry == 0
    assert loaded(engine) == ["ana"]


def test_without_memory_twice_it_fails_and_the_next_is_tried(fresh: Callable[..., Coqui], ana: Source, fail: Callable[..., Failing]):
    engine = fresh()
    failing = fail(torch().OutOfMemoryError("CUDA out of memory"), times=2)

    with pytest.raises(EngineFailed, match="no memory"):
        say(engine, ana, FOX)

    assert failing.calls == 2
    assert len(say(engine, ana, FOX)) > 0


def test_out_of_memory_lets_go_of_what_the_attempt_had_made():
    made: list[weakref.ref[Any]] = []

    def attempt() -> None:
        activations = torch().zeros(1_000)
        made.append(weakref.ref(activations))
        raise torch().OutOfMemoryError

    with pytest.raises(OutOfMemory) as failure, device.faults():
        attempt()

    assert failure.value.__cause__ is not None
    assert made[0]() is None


def test_without_memory_for_a_later_piece_it_is_not_begun_again(fresh: Callable[..., Coqui], xtts: Source, monkeypatch: pytest.MonkeyPatch):
    attempts = 0

    def stream(*_: Any, **__: Any) -> Iterator[Wave]:
        nonlocal attempts
        attempts += 1
        yield np.zeros(100, np.float32)
        raise torch().OutOfMemoryError

    monkeypatch.setattr(streaming, "stream", stream)
    spoken = fresh().synthesize(said(xtts, FOX, speaker="dora"))
    assert len(next(spoken)) == 100

    with pytest.raises(EngineFailed, match="no memory"):
        next(spoken)

    assert attempts == 1


def test_without_memory_to_load_one_the_unused_are_let_go_and_it_is_tried_again(
    fresh: Callable[..., Coqui], ana: Source, wide: Source, monkeypatch: pytest.MonkeyPatch
):
    module = tts("TTS.utils.synthesizer")
    real = module.Synthesizer
    errors = [torch().OutOfMemoryError("CUDA out of memory")]
    engine = fresh()
    engine.preload(wide)

    def load(**paths: Any) -> Any:
        if errors:
            raise errors.pop()
        return real(**paths)

    monkeypatch.setattr(module, "Synthesizer", load)

    engine.preload(ana)

    assert loaded(engine) == ["ana"]


def test_without_memory_on_the_way_to_the_device_it_is_tried_again(
    fresh: Callable[..., Coqui], speedy: Source, monkeypatch: pytest.MonkeyPatch
):
    module = tts("TTS.utils.synthesizer").Synthesizer
    real = module.to
    errors = [torch().OutOfMemoryError("CUDA out of memory")]
    engine = fresh()

    def to(self: Any, where: str) -> Any:
        if errors:
            raise errors.pop()
        return real(self, where)

    monkeypatch.setattr(module, "to", to)

    engine.preload(speedy)

    assert loaded(engine) == ["speedy"]


def test_a_model_that_never_has_room_fails_for_now(fresh: Callable[..., Coqui], ana: Source, monkeypatch: pytest.MonkeyPatch):
    def load(**_: Any) -> None:
        raise torch().OutOfMemoryError("CUDA out of memory")

    engine = fresh()
    with monkeypatch.context() as patch:
        patch.setattr(tts("TTS.utils.synthesizer"), "Synthesizer", load)
        with pytest.raises(EngineFailed, match="no memory"):
            engine.preload(ana)

    engine.preload(ana)
    assert loaded(engine) == ["ana"]


def test_a_conversion_that_is_tried_again_loses_no_piece(
    fresh: Callable[..., Coqui], freevc: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    errors = [torch().OutOfMemoryError("CUDA out of memory")]
    convert = conversion.Converter._convert

    def flaky(self: conversion.Converter, *features: Any) -> Wave:
        if errors:
            raise errors.pop()
        return convert(self, *features)

    monkeypatch.setattr(conversion.Converter, "_convert", flaky)
    speech: Iterator[Pcm] = iter(np.array_split(murmur(14), 50))

    converted = list(fresh().convert(speech, somebody(tmp_path), freevc))

    assert not errors
    assert len(converted) == 2
    assert sum(map(len, converted)) / RATE == pytest.approx(14, abs=0.2)


def test_a_name_that_the_zoo_does_not_have_is_a_broken_model(engine: Coqui):
    for name in ("tts_models/en/nobody/nothing", "tts_models", "voice_conversion_models/multilingual/vctk/freevc24/more"):
        with pytest.raises(ModelBroken):
            engine.describe(name)


def test_one_of_the_zoo_that_was_not_fetched_is_a_broken_model(engine: Coqui):
    with pytest.raises(ModelBroken) as refusal:
        engine.describe("tts_models/en/ljspeech/vits")

    assert "models pull" in refusal.value.reason


def test_a_licence_is_agreed_to_before_anything_is_fetched(fresh: Callable[..., Coqui]):
    with pytest.raises(ModelBroken) as refusal:
        fresh().pull("tts_models/multilingual/multi-dataset/xtts_v2", agreed=False)

    assert "--agree" in refusal.value.reason


def test_one_of_the_zoo_is_found_where_it_was_fetched_to(home: Path, ana: Source, tmp_path: Path):
    shutil.copytree(ana.location, tmp_path / "tts" / "tts_models--en--ljspeech--vits")
    engine = Coqui(Settings(models=tmp_path))

    about = engine.describe("tts_models/en/ljspeech/vits")

    assert (about.kind, about.licence) == ("vits", "apache 2.0")
    assert len(say(engine, Source("lj", "tts_models/en/ljspeech/vits"), FOX)) > 0


def test_one_of_the_zoo_is_found_with_its_vocoder(knnvc: Source, tmp_path: Path):
    model = tmp_path / "tts" / "voice_conversion_models--multilingual--multi-dataset--knnvc"
    shutil.copytree(knnvc.location, model)
    name = "voice_conversion_models/multilingual/multi-dataset/knnvc"
    beside = tmp_path / "tts" / "vocoder_models--en--librispeech100--wavlm-hifigan_prematched"
    (model / "vocoder").rename(beside)
    engine = Coqui(Settings(models=tmp_path))

    assert engine.describe(name).vocoder == beside
    pcm = np.concatenate(list(engine.convert([murmur(1)], somebody(tmp_path), Source("knn", name))))
    assert len(pcm) > 0.9 * engine.describe(name).rate

    shutil.rmtree(beside)
    with pytest.raises(ModelBroken):
        engine.describe(name)


def test_a_knn_vc_without_a_vocoder_is_a_broken_model(engine: Coqui, knnvc: Source, tmp_path: Path):
    shutil.copytree(knnvc.location, tmp_path / "copy")
    shutil.rmtree(tmp_path / "copy" / "vocoder")

    with pytest.raises(ModelBroken) as refusal:
        engine.describe(str(tmp_path / "copy"))

    assert "vocoder" in refusal.value.reason


def test_one_from_a_hub_is_found_in_a_folder_of_its_snapshot(openvoice: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tts("huggingface_hub.constants"), "HF_HUB_CACHE", str(tmp_path))
    name = "voice_conversion_models/multilingual/multi-dataset/openvoice_v2"
    with pytest.raises(ModelBroken):
        zoo.describe(name, tmp_path)
    repository = tmp_path / "models--myshell-ai--OpenVoiceV2"
    shutil.copytree(openvoice.location, repository / "snapshots" / "abc" / "converter")
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("abc")

    about = zoo.describe(name, tmp_path)

    assert (about.kind, about.folder.name, about.licence) == ("openvoice", "converter", "MIT")
