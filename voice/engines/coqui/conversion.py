"""Voice conversion: the same words by another voice, piece by piece."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Generator, Iterable, Sequence
from typing import Any

import numpy as np

from voice.engines.base import EngineBusy, Pcm, Reference
from voice.engines.coqui.device import faults, size_of
from voice.engines.coqui.library import torch, tts
from voice.engines.coqui.resident import Resident
from voice.engines.coqui.vits import Wave
from voice.engines.coqui.zoo import Description

SOURCE_RATE = 24_000
# Hz of what is converted, and of the recordings of whom it is to sound like
LONGEST_PIECE = 12.0
# seconds that go through the model at once: its memory grows with them
SHORTEST_PIECE = 4.0
# a piece is cut no earlier than this, at the quietest moment that follows
WINDOW = 0.02
# seconds over which quiet is judged
SHORTEST_HEARD = 0.1
# seconds: of less the models hear nothing and fail
LOUDEST = 32_768
REMEMBERED = 16
# voices whose features stay in memory: kNN-VC's are large


def pieces(pcm: Iterable[Pcm]) -> Generator[Pcm, None, None]:
    """Cut blocks at 24,000 Hz into pieces for the model, each cut where it is quietest."""
    held = np.zeros(0, np.int16)
    longest = round(LONGEST_PIECE * SOURCE_RATE)
    for block in pcm:
        held = np.concatenate([held, block])
        while len(held) >= longest:
            cut = quietest(held[:longest])
            yield held[:cut]
            held = held[cut:]
    if len(held):
        yield held


def quietest(piece: Pcm) -> int:
    """The index, not before SHORTEST_PIECE, of the middle of the quietest moment."""
    window = round(WINDOW * SOURCE_RATE)
    first = round(SHORTEST_PIECE * SOURCE_RATE)
    moments = piece[first : first + (len(piece) - first) // window * window].astype(np.float32).reshape(-1, window)
    return first + int((moments**2).mean(axis=1).argmin()) * window + window // 2


def _lengthened(piece: Pcm) -> Pcm:
    """With silence behind it, if it is too short to be heard."""
    return np.pad(piece, (0, max(0, round(SHORTEST_HEARD * SOURCE_RATE) - len(piece))))


class Converter(Resident):
    """FreeVC, kNN-VC or OpenVoice. One piece at a time."""

    def __init__(self, module: Any, about: Description, *, vocoder: Any = None, patience: float) -> None:
        super().__init__(module, about)
        if vocoder is not None:
            self.size += size_of(vocoder)
        self._vocoder = vocoder
        # for kNN-VC, which makes no samples itself
        self._kind = about.kind
        audio = module.config.audio
        self._hearing = int(audio.get("input_sample_rate") or audio["sample_rate"])
        # Hz of what the model takes
        self._patience = patience
        self._turn = threading.Lock()
        self._known: OrderedDict[str, Any] = OrderedDict()

    def convert(self, source: Iterable[Pcm], reference: Reference) -> Generator[Wave, None, None]:
        """Pieces at 24,000 Hz in, pieces at `rate` out, as each is done."""
        for piece in source:
            yield self._one(piece, reference)

    def close(self) -> None:
        super().close()
        self._vocoder = None
        self._known.clear()

    def _one(self, piece: Pcm, reference: Reference) -> Wave:
        if not self._turn.acquire(timeout=self._patience):
            raise EngineBusy
        try:
            with faults(), torch().inference_mode():
                wave = self._convert(self._heard(_lengthened(piece)), self._features(reference))
                return wave[: round(len(piece) * self.rate / SOURCE_RATE)]
        finally:
            self._turn.release()

    def _convert(self, source: Any, target: Any) -> Wave:
        match self._kind:
            case "freevc":
                content = self._module.extract_wavlm_features(source)
                made = self._module.inference(content, g=target)[0, 0]
            case "openvoice":
                own, spectrogram = self._module.extract_se(source)
                made = self._module.inference(spectrogram, {"g_src": own, "g_tgt": target})["model_outputs"][0, 0]
            case _:
                made = self._vocoder.inference(self._module.match(self._module.get_features(source), target))
        wave: Wave = made.squeeze().float().cpu().numpy()
        return wave

    def _features(self, reference: Reference) -> Any:
        """What the model knows of whom it is to sound like."""
        if reference.key not in self._known:
            self._known[reference.key] = self._learn([self._heard(pcm) for pcm in reference.recordings()])
        self._known.move_to_end(reference.key)
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return self._known[reference.key]

    def _learn(self, recordings: Sequence[Any]) -> Any:
        if self._kind == "knnvc":
            # without its search for speech, which finds none in some recordings: they were judged when they were taken
            return self._module.get_matching_set(list(recordings), vad_trigger_level=0)
        return self._module._extract_target_se(list(recordings))

    def _heard(self, pcm: Pcm) -> Any:
        """Samples between -1 and 1 at the model's own rate, shape (1, samples)."""
        wave = torch().from_numpy(pcm.astype(np.float32) / LOUDEST)[None]
        resampled = tts("torchaudio.functional").resample(wave, SOURCE_RATE, self._hearing)
        return resampled.to(next(self._module.parameters()).device)
