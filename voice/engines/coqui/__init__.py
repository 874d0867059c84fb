"""Coqui TTS: the models that an operator registers, loaded when asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from voice.engines.base import (
    DeviceLost,
    EngineFailed,
    EngineUnavailable,
    ModelBroken,
    Pcm,
    Reference,
    Source,
    Speaker,
    Synthesizer,
    Utterance,
)
from voice.engines.batch import OutOfMemory
from voice.engines.coqui import device, layout, library, zoo
from voice.engines.coqui.conversion import Converter, pieces
from voice.engines.coqui.resident import Resident, SingleShot, Vits, Xtts
from voice.engines.coqui.vits import Wave
from voice.engines.pool import Loaded, Pool

LOUDEST = 32_767
SWEEP_EVERY = 5.0
# seconds
ON_DEVICE = 1.1
# of a checkpoint's bytes that its model takes, before it is loaded


@dataclass(frozen=True, slots=True)
class Settings:
    """How an operator wants his models kept."""

    models: Path
    # where those of the zoo are
    device: str = "auto"
    # as torch calls it, such as cuda:1; or the best that there is
    threads: int = 1
    # to one operation on a CPU
    budget: int = 0
    # bytes that models may take together; 0: any number
    idle: float = 0.0
    # seconds without use after which one is unloaded; 0: never
    patience: float = 60.0
    # seconds to wait for a model that is being loaded or is busy
    window: float = 0.005
    # seconds that the first of a batch waits for company
    most: int = 16
    # sentences in a batch, on an accelerator
    largest: int = 6_000
    # tokens in a batch, with what pads the shorter ones


class Coqui(Synthesizer):
    """A Synthesizer whose voices are those of the models that it is named; it also converts voices."""

    name: ClassVar[str] = "coqui"
    speeds: ClassVar[tuple[float, float]] = (0.5, 2.0)
    verbatim: ClassVar[bool] = False

    def __init__(
        self, settings: Settings, *, emptied: Callable[[], None] = lambda: None, batched: Callable[[int], None] = lambda _: None
    ) -> None:
        """`emptied` is called when the last model has left an accelerator, where a context stays that only the process's end gives back;
        `batched` for each batch, with the number of its sentences."""
        if not library.installed():
            raise EngineUnavailable("Coqui TTS is not installed: pip install 'voice-platform[gpu]'")
        self._settings = settings
        self._emptied = emptied
        self._batched = batched
        self._lost = threading.Event()
        self._sweeper: threading.Thread | None = None
        self._starting = threading.Lock()
        self._pool: Pool[Resident] = Pool(
            self._load,
            weigh=lambda source: round(self.describe(source.location).bytes * ON_DEVICE),
            budget=settings.budget,
            patience=settings.patience,
            idle=settings.idle,
        )

    def speakers(self) -> list[Speaker]:
        """None of its own: a model's are told by `describe`."""
        return []

    def describe(self, location: str) -> zoo.Description:
        """What a model is, without loading it; ModelBroken when it is not here or not for us."""
        return zoo.describe(location, self._settings.models)

    def pull(self, location: str, *, agreed: bool) -> None:
        zoo.pull(location, self._settings.models, agreed=agreed)

    def rate(self, utterance: Utterance) -> int:
        return self.rate_of(_model_of(utterance.model))

    def rate_of(self, source: Source) -> int:
        """Hz of what a model makes. Loads it."""
        with self._pool.use(source) as model:
            return model.rate

    def synthesize(self, utterance: Utterance) -> Generator[Pcm, None, None]:
        source = _model_of(utterance.model)
        yield from self._guarded(source, lambda model: model.speak(utterance))

    def convert(self, pcm: Iterable[Pcm], reference: Reference, source: Source) -> Generator[Pcm, None, None]:
        """Blocks at 24,000 Hz to the same words by another voice, at the model's rate."""

        cut = pieces(pcm)
        first = list(islice(cut, 1))
        # kept for a second attempt: `pcm` may be read only once

        def start(model: Resident) -> Generator[Wave, None, None]:
            if not isinstance(model, Converter):
                raise ModelBroken(f"'{source.name}' is no model for voice conversion.")
            return model.convert(chain(first, cut), reference)

        yield from self._guarded(source, start)

    def preload(self, source: Source) -> None:
        with self._using(source):
            pass

    def unload(self, name: str) -> bool:
        """Let go of a model that nobody uses; False when it is in use or not there."""
        gone = self._pool.unload(name)
        if gone:
            self._give_back()
        return gone

    def report(self) -> tuple[dict[str, Any], list[Loaded]]:
        """The device and the models on it, without waking it where nothing was loaded yet."""
        loaded = self._pool.report()
        return (device.described(self._device()) if loaded else {}), loaded

    def _guarded(self, source: Source, start: Callable[[Resident], Generator[Wave, None, None]]) -> Generator[Pcm, None, None]:
        """Run what yields waves. Without room it is made, once."""
        with self._using(source) as model:
            try:
                yield from _blocks(start(model))
            except _NoRoom:
                self._make_room()
            else:
                return
            try:
                yield from _blocks(start(model))
            except _NoRoom as error:
                raise _no_memory() from error

    @contextmanager
    def _using(self, source: Source) -> Iterator[Resident]:
        """A model of the pool. After a lost device nothing is tried again."""
        if self._lost.is_set():
            raise DeviceLost
        self._sweep_from_now_on()
        try:
            with self._pool.use(source) as model:
                yield model
        except DeviceLost:
            self._lost.set()
            raise

    def _make_room(self) -> None:
        self._pool.clear()
        device.release()

    def _device(self) -> str:
        return device.choose(self._settings.device)

    def _load(self, source: Source) -> Resident:
        try:
            with device.faults():
                # what was unloaded to make room may be there still
                device.release()
                return self._read(source)
        except OutOfMemory:
            self._make_room()
        try:
            with device.faults():
                return self._read(source)
        except OutOfMemory as error:
            raise _no_memory() from error

    def _read(self, source: Source) -> Resident:
        about = self.describe(source.location)
        library.torch().set_num_threads(self._settings.threads)
        where = self._device()
        synthesizer = library.tts("TTS.utils.synthesizer").Synthesizer
        cuda = where.startswith("cuda")
        with library.torch().device("cpu"):
            if about.converts:
                return self._converter(about, where)
            # a folder, for a model that knows what to find in one
            path = about.folder if about.kind == "xtts" else zoo.checkpoint(about.folder)
            loaded = synthesizer(
                tts_checkpoint=path,
                tts_config_path=about.folder / "config.json",
                vocoder_checkpoint=about.vocoder and zoo.checkpoint(about.vocoder),
                vocoder_config=about.vocoder and about.vocoder / "config.json",
            )
            module = loaded.tts_model.to(where)
        device.fold(module)
        if not cuda:
            layout.turn(module)
        if about.kind == "xtts":
            return Xtts(module, about, name=source.name, patience=self._settings.patience)
        if about.kind == "vits":
            return Vits(
                module,
                about,
                name=source.name,
                window=self._settings.window,
                # on a CPU a batch gains nothing: there threads share the model
                most=self._settings.most if cuda else 1,
                batched=self._batched,
                largest=self._settings.largest,
            )
        return SingleShot(loaded.to(where), about, patience=self._settings.patience)

    def _converter(self, about: zoo.Description, where: str) -> Converter:
        path = about.folder / "config.json"
        if about.kind == "openvoice":
            module = library.tts("TTS.vc.models.openvoice").OpenVoice(library.tts("TTS.vc.configs.openvoice_config").OpenVoiceConfig())
            module.load_checkpoint(module.config, zoo.checkpoint(about.folder), eval=True)
        else:
            config = library.tts("TTS.config").load_config(path)
            module = library.tts("TTS.vc.models").setup_model(config=config)
            module.load_checkpoint(config, None if about.kind == "knnvc" else zoo.checkpoint(about.folder), eval=True)
        vocoder = None
        if about.vocoder is not None:
            config = library.tts("TTS.config").load_config(about.vocoder / "config.json")
            vocoder = library.tts("TTS.vocoder.models").setup_model(config)
            vocoder.load_checkpoint(config, zoo.checkpoint(about.vocoder), eval=True)
            # that was for its training, and is larger than all the rest
            vocoder._modules.pop("model_d", None)
            vocoder.to(where)
        return Converter(module.to(where), about, vocoder=vocoder, patience=self._settings.patience)

    def _sweep_from_now_on(self) -> None:
        with self._starting:
            if self._sweeper is None and self._settings.idle:
                self._sweeper = threading.Thread(target=self._sweep, name="idle models", daemon=True)
                self._sweeper.start()

    def _sweep(self) -> None:
        over = threading.Event()
        while not over.wait(min(SWEEP_EVERY, self._settings.idle)):
            if self._pool.sweep():
                self._give_back()

    def _give_back(self) -> None:
        device.release()
        if self._device().startswith(device.CUDA) and self._pool.empty:
            self._emptied()


def _model_of(source: Source | None) -> Source:
    if source is None:
        raise ModelBroken("An utterance for Coqui names no model.")
    return source


def _no_memory() -> EngineFailed:
    return EngineFailed("The device has no memory for this.")


class _NoRoom(Exception):
    """There was no memory before anything was made."""


def _blocks(waves: Generator[Wave, None, None]) -> Generator[Pcm, None, None]:
    """_NoRoom when there is no memory for the first, EngineFailed when there is none for another."""
    refusal: Exception = _NoRoom()
    try:
        with closing(waves):
            for wave in waves:
                yield _pcm(wave)
                refusal = _no_memory()
    except OutOfMemory as error:
        raise refusal from error


def _pcm(wave: Wave) -> Pcm:
    return (np.clip(wave, -1.0, 1.0) * LOUDEST).astype(np.int16)
