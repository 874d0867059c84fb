"""Whisper's models by faster-whisper: the ones that an operator registers, loaded when asked for.

What nobody says is not understood: silero's detector finds the speech first, only that is decoded, and the times are put back on the
recording's own clock.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from math import exp
from pathlib import Path
from typing import Any, ClassVar, cast

import numpy as np
import soxr
from numpy.typing import NDArray

from voice.audio.pcm import RATE
from voice.ears.base import EarFailed, Pauses, Segment, Transcriber, Transcript, Wanted, Word
from voice.engines.base import DeviceLost, EngineUnavailable, ModelBroken, Pcm, Source
from voice.engines.coqui.device import STICKY
from voice.engines.pool import Loaded, Pool

HEARD_RATE = 16_000
# Hz
FULL_SCALE = 32_768
WEIGHTS = "model.bin"
FILES = (WEIGHTS, "config.json", "tokenizer.json")
# without its tokenizer the library would look for one on the net
VOCABULARIES = ("vocabulary.json", "vocabulary.txt")
MULTILINGUAL = ""
# a token that is only in the vocabularies of more than English; the library knows those by it too
ENGLISH = "en"
MILLISECONDS = 1000
# in a second
IN_ORDER = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
# temperatures that are tried one after the other while the text repeats itself, unless one is asked for

Wave = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Settings:
    """How an operator wants his models kept; the fields are those of `voice.engines.coqui.Settings`."""

    models: Path
    device: str = "auto"
    threads: int = 1
    budget: int = 0
    idle: float = 0.0
    patience: float = 60.0


@dataclass(frozen=True, slots=True)
class Description:
    """What a model is, as far as its files say without being loaded."""

    folder: Path
    languages: tuple[str, ...]
    translates: bool
    bytes: int


class Resident:
    """A model in memory. It understands one window of thirty seconds at a time; those of others are put in between."""

    def __init__(self, model: Any, size: int) -> None:
        self.model = model
        self.size = size

    def close(self) -> None:
        self.model.model.unload_model()


class Whisper(Transcriber):
    name: ClassVar[str] = "whisper"
    languages: ClassVar[tuple[str, ...]] = ()
    translates: ClassVar[bool] = True

    def __init__(self, settings: Settings) -> None:
        if importlib.util.find_spec("faster_whisper") is None:
            raise EngineUnavailable("faster-whisper is not installed: pip install 'voice-platform[gpu]'")
        self._settings = settings
        self._pool: Pool[Resident] = Pool(
            self._load,
            weigh=lambda source: self.describe(source.location).bytes,
            budget=settings.budget,
            patience=settings.patience,
            idle=settings.idle,
        )

    def describe(self, location: str) -> Description:
        """What a model is, without loading it; ModelBroken when it is not here or none of Whisper's."""
        folder = self._folder(location)
        missing = [name for name in FILES if not (folder / name).is_file()]
        vocabulary = next((folder / name for name in VOCABULARIES if (folder / name).is_file()), None)
        if vocabulary is None:
            missing.append(VOCABULARIES[0])
        if missing or vocabulary is None:
            raise ModelBroken(f"There is no {', '.join(missing)} in {folder}. Fetch the model: manage.py models pull")
        tokens = _tokens(vocabulary)
        many = MULTILINGUAL in tokens
        languages = tuple(code for code in _library("tokenizer")._LANGUAGE_CODES if f"<|{code}|>" in tokens) if many else (ENGLISH,)
        return Description(folder, languages, translates=many, bytes=(folder / WEIGHTS).stat().st_size)

    def pull(self, location: str) -> None:
        """Fetch a model that is named by its size, such as small, or as Hugging Face calls it. ModelBroken when it can't be."""
        if Path(location).is_absolute():
            return
        folder = self._folder(location)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            _library("utils").download_model(location, output_dir=str(folder))
        except (OSError, ValueError) as error:
            raise ModelBroken(f"'{location}' can't be fetched: {error}") from error

    def transcribe(self, pcm: Pcm, wanted: Wanted, *, check: Callable[[], None]) -> Transcript:
        heard = self._heard(pcm, wanted, check)
        # it is known before the first segment is understood
        language = cast(str, next(heard))
        return Transcript(language, cast(Generator[Segment, None, None], heard))

    def preload(self, source: Source) -> None:
        with self._pool.use(source):
            pass

    def unload(self, name: str) -> bool:
        return self._pool.unload(name)

    def report(self) -> list[Loaded]:
        """The models in memory, once those are let go that were idle for too long."""
        self._pool.sweep()
        return self._pool.report()

    def _heard(self, pcm: Pcm, wanted: Wanted, check: Callable[[], None]) -> Generator[str | Segment, None, None]:
        """The language, and then the segments."""
        if wanted.model is None:
            raise ModelBroken("What is to be transcribed by Whisper names no model.")
        wave = soxr.resample(pcm, RATE, HEARD_RATE).astype(np.float32) / FULL_SCALE
        spoken = _library("vad").get_speech_timestamps(wave, _library("vad").VadOptions(**_knobs(wanted.pauses)))
        check()
        if not spoken:
            yield _primary(wanted.languages[0]) if wanted.languages else ENGLISH
            return
        joined = np.concatenate([wave[stretch["start"] : stretch["end"]] for stretch in spoken])
        with self._pool.use(wanted.model) as resident, _faults():
            language = _language(resident.model, joined, wanted.languages)
            check()
            yield language
            found, _ = resident.model.transcribe(joined, language=language, **_asked(wanted))
            with closing(found):
                for segment in _library("transcribe").restore_speech_timestamps(found, spoken, HEARD_RATE):
                    check()
                    if text := segment.text.strip():
                        yield _segment(segment, text)

    def _load(self, source: Source) -> Resident:
        about = self.describe(source.location)
        kind, _, index = self._device().partition(":")
        with _faults():
            model = _library("transcribe").WhisperModel(
                str(about.folder), device=kind, device_index=int(index or 0), cpu_threads=self._settings.threads, local_files_only=True
            )
        return Resident(model, about.bytes)

    def _device(self) -> str:
        if self._settings.device != "auto":
            return self._settings.device
        return "cuda" if importlib.import_module("ctranslate2").get_cuda_device_count() else "cpu"

    def _folder(self, location: str) -> Path:
        path = Path(location)
        return path if path.is_absolute() else self._settings.models / "whisper" / location.replace("/", "--")


def _library(module: str) -> Any:
    return importlib.import_module(f"faster_whisper.{module}")


def _tokens(vocabulary: Path) -> frozenset[str]:
    text = vocabulary.read_text(encoding="utf-8")
    return frozenset(json.loads(text) if vocabulary.suffix == ".json" else text.removesuffix("\n").split("\n"))


def _asked(wanted: Wanted) -> dict[str, Any]:
    return {
        "task": "translate" if wanted.translate else "transcribe",
        "initial_prompt": wanted.prompt or None,
        "hotwords": ", ".join(wanted.keywords) or None,
        "temperature": wanted.temperature or IN_ORDER,
        "word_timestamps": wanted.words,
        # else what was invented once is repeated to the end
        "condition_on_previous_text": False,
    }


def _knobs(pauses: Pauses) -> dict[str, Any]:
    """As the library calls them; what nobody asked for is as it finds best."""
    knobs: dict[str, Any] = {} if pauses.threshold is None else {"threshold": pauses.threshold}
    if pauses.padding is not None:
        knobs["speech_pad_ms"] = round(pauses.padding * MILLISECONDS)
    if pauses.silence is not None:
        knobs["min_silence_duration_ms"] = round(pauses.silence * MILLISECONDS)
    return knobs


def _language(model: Any, wave: Wave, possible: tuple[str, ...]) -> str:
    """The one that is spoken; of several that are possible, the likeliest."""
    known = [code for tag in possible if (code := _primary(tag)) in model.supported_languages]
    if len(known) == 1:
        return known[0]
    if not model.model.is_multilingual:
        return ENGLISH
    likeliest, _, likely = model.detect_language(wave)
    return next((code for code, _ in likely if code in known), str(likeliest))


def _primary(tag: str) -> str:
    return tag.partition("-")[0]


def _segment(segment: Any, text: str) -> Segment:
    words = (Word(word.word.strip(), float(word.start), float(word.end), float(word.probability)) for word in segment.words or ())
    return Segment(
        text=text,
        start=float(segment.start),
        end=float(segment.end),
        words=tuple(word for word in words if word.text),
        confidence=exp(min(segment.avg_logprob, 0.0)),
        silence=segment.no_speech_prob,
        temperature=segment.temperature,
        tokens=tuple(segment.tokens),
    )


@contextmanager
def _faults() -> Iterator[None]:
    """Within, what CTranslate2 says of its device becomes EarFailed, after which it is fine, or DeviceLost, after which nothing is."""
    try:
        yield
    except RuntimeError as error:
        said = str(error).lower()
        if "out of memory" in said:
            raise EarFailed("The device has no memory for this.") from error
        if any(words in said for words in STICKY):
            raise DeviceLost from error
        raise
