"""The loaded models, by what they can do: a sentence to samples, or samples to samples."""

from __future__ import annotations

import logging
import secrets
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from voice.engines.base import EngineBusy, Reference, UnsupportedText, Utterance
from voice.engines.batch import Batcher
from voice.engines.coqui import vits, xtts
from voice.engines.coqui.bounds import longest
from voice.engines.coqui.device import faults, size_of
from voice.engines.coqui.library import torch, tts
from voice.engines.coqui.vits import Row, Wave
from voice.engines.coqui.words import marks
from voice.engines.coqui.xtts import Conditioning
from voice.engines.coqui.zoo import ANY_LANGUAGE, UNREADABLE, Description

log = logging.getLogger(__name__)

SEED_BITS = 63
REMEMBERED = 64
# voices whose conditioning stays in memory
TOO_SHORT = "Kernel size can't be greater than actual input size"
# what torch says of a text that has fewer characters than a model looks at together


class Resident:
    """A model of Coqui's in memory."""

    def __init__(self, module: Any, about: Description) -> None:
        self._module = module
        self.rate = about.rate
        self.size = size_of(module)

    def speak(self, utterance: Utterance) -> Generator[Wave, None, None]:
        """One sentence, in one piece or in several."""
        raise UnsupportedText("This model converts voices and reads no text.")

    def close(self) -> None:
        self._module = None


class Vits(Resident):
    """Sentences of any number of threads. On an accelerator those that wait together are spoken together."""

    def __init__(
        self,
        module: Any,
        about: Description,
        *,
        name: str,
        window: float,
        most: int,
        largest: int,
        batched: Callable[[int], None] = lambda _: None,
    ) -> None:
        super().__init__(module, about)
        self._batched = batched
        self._batcher = None
        if most > 1:
            self._batcher = Batcher[Row, vits.Spoken](
                self._run_batch, measure=lambda row: len(row.ids), window=window, most=most, largest=largest, name=name
            )

    def speak(self, utterance: Utterance) -> Generator[Wave, None, None]:
        row = self._row(utterance)
        spoken = self._run([row])[0] if self._batcher is None else self._batcher.submit(row, urgent=utterance.urgent)
        if utterance.mark is not None:
            symbols = vits.symbols(self._module, row.ids)
            for mark in marks(utterance.text, symbols, spoken.frames, len(spoken.wave) / self.rate):
                utterance.mark(mark)
        yield spoken.wave

    def close(self) -> None:
        if self._batcher is not None:
            self._batcher.close()
        super().close()

    def _run_batch(self, rows: Sequence[Row]) -> list[vits.Spoken]:
        self._batched(len(rows))
        return self._run(rows)

    def _run(self, rows: Sequence[Row]) -> list[vits.Spoken]:
        with faults():
            # alone it has nobody to sound like, and silence to decode is a tenth of a sentence
            return vits.speak(self._module, rows, after=0 if self._batcher is None else vits.AFTER)

    def _row(self, utterance: Utterance) -> Row:
        language = utterance.language
        speakers, languages = self._module.speaker_manager, self._module.language_manager
        tongue = None
        if self._module.args.use_language_embedding:
            tongue = language if language in languages.name_to_id else language.partition("-")[0]
        number = vector = None
        if self._module.args.use_speaker_embedding:
            number = speakers.name_to_id[utterance.speaker]
        elif self._module.args.use_d_vector_file:
            vector = tuple(map(float, speakers.get_mean_embedding(utterance.speaker)))
        return Row(
            ids=vits.tokens(self._module, utterance.text, tongue),
            speed=utterance.speed,
            seed=secrets.randbits(SEED_BITS) if utterance.seed is None else utterance.seed,
            speaker=number,
            d_vector=vector,
            language=None if tongue is None else languages.name_to_id[tongue],
        )


class Xtts(Resident):
    """One sentence at a time: the model keeps the one that it is at in itself."""

    def __init__(self, module: Any, about: Description, *, name: str, patience: float) -> None:
        super().__init__(module, about)
        self._name = name
        self._patience = patience
        self._turn = threading.Lock()
        self._known: OrderedDict[str, Conditioning] = OrderedDict()

    def speak(self, utterance: Utterance) -> Generator[Wave, None, None]:
        if not self._turn.acquire(timeout=self._patience):
            raise EngineBusy
        try:
            with faults():
                who = self._conditioning(utterance)
                spoken = xtts.stream(self._module, utterance.text, utterance.language, who, speed=utterance.speed, seed=utterance.seed)
                with closing(spoken):
                    yield from spoken
        finally:
            self._turn.release()

    def _conditioning(self, utterance: Utterance) -> Conditioning:
        """From memory, from the file beside the voice's others, or from the recordings."""
        if utterance.reference is None:
            stock = self._module.speaker_manager.speakers[utterance.speaker]
            return Conditioning(stock["gpt_cond_latent"], stock["speaker_embedding"])
        key = utterance.reference.key
        if key not in self._known:
            self._known[key] = kept(utterance.reference, self._name, partial(xtts.condition, self._module))
        self._known.move_to_end(key)
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return self._known[key]


class SingleShot(Resident):
    """Any other model of Coqui's, by its own interface: a sentence in one pass, one at a time."""

    def __init__(self, synthesizer: Any, about: Description, *, patience: float) -> None:
        super().__init__(synthesizer, about)
        self._patience = patience
        self._multilingual = about.languages != (ANY_LANGUAGE,) and len(about.languages) > 1
        self._speakers = about.speakers
        self._turn = threading.Lock()

    def speak(self, utterance: Utterance) -> Generator[Wave, None, None]:
        vits.tokens(self._module.tts_model, utterance.text, None)
        if not self._turn.acquire(timeout=self._patience):
            raise EngineBusy
        try:
            with faults(), torch().inference_mode():
                wave = self._module.tts(
                    utterance.text,
                    speaker_name=utterance.speaker if self._speakers else None,
                    language_name=utterance.language if self._multilingual else None,
                    split_sentences=False,
                )
        except RuntimeError as error:
            if TOO_SHORT in str(error):
                raise UnsupportedText from error
            raise
        finally:
            self._turn.release()
        bound = round(longest(utterance.text, utterance.language, utterance.speed) * self.rate)
        # without the silence that Coqui puts behind each
        yield np.asarray(wave[: -tts("TTS.utils.synthesizer").PAD_SILENCE_SAMPLES], np.float32)[:bound]


def kept(reference: Reference, model: str, compute: Any) -> Conditioning:
    """The conditioning that is kept in the voice's folder, or computed from its recordings and kept there."""
    path = reference.folder / f"{reference.key}.{model.replace('/', '--')}.pt"
    try:
        return Conditioning(**torch().load(path, weights_only=True))
    except FileNotFoundError:
        pass
    except UNREADABLE as error:
        log.warning("conditioning is computed anew: %s: %r", path.name, error)
    made: Conditioning = compute(reference.recordings())
    reference.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=reference.folder, delete=False) as part:
        try:
            torch().save({"latents": made.latents.cpu(), "embedding": made.embedding.cpu()}, part)
            # in one step: another worker may be doing the same
            Path(part.name).replace(path)
        except BaseException:
            Path(part.name).unlink(missing_ok=True)
            raise
    return made
