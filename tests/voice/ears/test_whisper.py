"""Whisper, by models that are made here and say what is built into them."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.voice.audio.sounds import noise
from tests.voice.ears.test_sphinx import BROTHER, WEATHER, hush, nothing, said
from tests.voice.ears.whispers import make_whisper
from tests.waiting import wait_until
from voice.audio.pcm import RATE
from voice.ears.base import EarFailed, Pauses, Segment, Wanted
from voice.ears.whisper import Settings, Whisper, _faults
from voice.engines.base import DeviceLost, ModelBroken, Source

FIRST = 5.0
# seconds at which the first sentence begins
SOUND = np.concatenate([hush(FIRST), said(BROTHER), hush(5), said(WEATHER), said(WEATHER), hush(3)])
SECOND = FIRST + len(said(BROTHER)) / RATE + 5
PAD = 0.4
# seconds before speech that are understood with it


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Source:
    return Source("many", str(make_whisper(tmp_path_factory.mktemp("models") / "many")))


@pytest.fixture(scope="module")
def english(tmp_path_factory: pytest.TempPathFactory) -> Source:
    return Source("english", str(make_whisper(tmp_path_factory.mktemp("models") / "english", english=True)))


@pytest.fixture(scope="module")
def ear(tmp_path_factory: pytest.TempPathFactory) -> Whisper:
    return Whisper(Settings(tmp_path_factory.mktemp("home")))


def heard(ear: Whisper, model: Source, pcm=SOUND, **wanted) -> tuple[str, list[Segment]]:
    transcript = ear.transcribe(pcm, Wanted(model=model, **wanted), check=nothing)
    return transcript.language, list(transcript.segments)


def test_what_is_said_has_its_times_on_the_recordings_own_clock(ear, many):
    language, (first, second) = heard(ear, many)

    assert (language, first.text, second.text) == ("de", "Guten", "Tag")
    assert (first.start, first.end) == pytest.approx((FIRST - PAD / 2, FIRST - PAD / 2 + 1), abs=PAD)
    # it is said four seconds later in what is left when the silence is gone, five seconds of it
    assert second.start - first.start - 4 == pytest.approx(5 - PAD, abs=PAD)
    assert SECOND < second.start < SOUND.size / RATE - 3
    assert first.confidence > 0.9
    assert first.silence < 0.1


def test_it_translates(ear, many):
    language, segments = heard(ear, many, translate=True)

    assert (language, [segment.text for segment in segments]) == ("de", ["Good", "day"])


def test_words_have_times_within_the_recording(ear, many):
    _, segments = heard(ear, many, words=True)

    words = [word for segment in segments for word in segment.words]
    assert [word.text for word in words] == ["Guten", "Tag"]
    assert all(0 <= word.start <= word.end <= SOUND.size / RATE for word in words)


@pytest.mark.parametrize(
    ("languages", "language"), [(("en-us",), "en"), (("fr", "de"), "de"), (("de-at",), "de"), (("tlh",), "de"), ((), "de")]
)
def test_the_language_is_the_one_that_was_named_or_the_likeliest_of_those(ear, many, languages, language):
    assert heard(ear, many, languages=languages)[0] == language


def test_a_model_of_english_hears_english(ear, english):
    assert heard(ear, english, languages=("de", "fr"))[0] == "en"


@pytest.mark.parametrize("pcm", [hush(3), noise(3000, spread=300), hush(0)])
def test_where_nobody_speaks_nothing_is_invented(ear, many, pcm):
    assert heard(ear, many, pcm) == ("en", [])
    assert heard(ear, many, pcm, languages=("de-de",)) == ("de", [])


def test_how_speech_is_told_from_silence_can_be_chosen(ear, many):
    nearly_never = Pauses(threshold=1.0, padding=0.1, silence=0.1)

    assert heard(ear, many, pauses=nearly_never)[1] == []


def test_what_is_asked_for_reaches_the_model(ear, many):
    _, segments = heard(ear, many, prompt="Grüß Gott", keywords=("Tag",), temperature=0.5)

    assert [segment.temperature for segment in segments] == [0.5, 0.5]


def test_a_model_is_described_without_being_loaded(tmp_path: Path, many, english):
    ear = Whisper(Settings(tmp_path))

    about, only = ear.describe(many.location), ear.describe(english.location)

    assert {"en", "de", "zh"} <= set(about.languages)
    assert (about.translates, only.languages, only.translates) == (True, ("en",), False)
    assert ear.report() == []


@pytest.mark.parametrize("name", ["model.bin", "tokenizer.json", "vocabulary.json"])
def test_a_model_without_one_of_its_files_is_told_by_its_name(tmp_path: Path, many, name):
    folder = shutil.copytree(many.location, tmp_path / "copy")
    (folder / name).unlink()

    with pytest.raises(ModelBroken) as refusal:
        Whisper(Settings(tmp_path)).describe(str(folder))

    assert name in refusal.value.reason


def test_a_model_that_was_not_fetched_is_told_how_to_be(ear):
    with pytest.raises(ModelBroken) as refusal:
        heard(ear, Source("small", "small"))

    assert "models pull" in refusal.value.reason


def test_it_is_loaded_once_told_and_unloaded_when_it_is_idle(tmp_path: Path, many):
    ear = Whisper(Settings(tmp_path, idle=0.01))

    ear.preload(many)
    (loaded,) = ear._pool.report()
    _, segments = heard(ear, many)

    assert (loaded.name, loaded.users, loaded.bytes > 0) == ("many", 0, True)
    assert segments
    assert wait_until(lambda: not ear.report())


def test_whoever_stops_half_way_lets_go_of_the_model(ear, many):
    segments = ear.transcribe(SOUND, Wanted(model=many), check=nothing).segments
    next(segments)
    assert any(model.users for model in ear.report())

    segments.close()

    assert not any(model.users for model in ear.report())


@pytest.mark.parametrize(
    ("said", "refusal"), [("CUDA failed with error out of memory", EarFailed), ("CUDA error: device-side assert", DeviceLost)]
)
def test_a_fault_of_the_device_is_told_for_what_it_is(said, refusal):
    with pytest.raises(refusal), _faults():
        raise RuntimeError(said)
