"""VITS: a sentence in one pass, many sentences in one batch.

The pass is Coqui's own `Vits.inference` with three things its signature has no room for: a pace and a noise for each row, and
silence after the longest row, so that the decoder sees the same after a row's end whether it is alone or padded. What is left of a
neighbour's influence is the rounding of the device's arithmetic: below 1e-7 of full scale as measured on a CPU.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from voice.engines.base import UnsupportedText
from voice.engines.coqui.library import torch, tts
from voice.engines.coqui.noise import Noise

AFTER = 16
# frames of silence behind the longest row: more than the decoder hears around one
LONGEST_TOKEN = 200
# frames, some 2 s: a duration that is predicted longer is a mistake of the predictor's

Wave = NDArray[np.float32]
"""Mono samples between -1 and 1, shape (samples,)."""


@dataclass(frozen=True, slots=True)
class Row:
    """One sentence for the model."""

    ids: tuple[int, ...]
    # of its tokens
    speed: float
    seed: int
    speaker: int | None = None
    d_vector: tuple[float, ...] | None = None
    language: int | None = None


@dataclass(frozen=True, slots=True)
class Spoken:
    """What came of a row."""

    wave: Wave
    frames: tuple[float, ...]
    # that each of its tokens lasts


def tokens(model: Any, text: str, language: str | None) -> tuple[int, ...]:
    """UnsupportedText where the model knows no character of it: it would fail on an empty sentence."""
    ids = tuple(model.tokenizer.text_to_ids(text, language=language))
    blank = {model.tokenizer.characters.blank_id, model.tokenizer.characters.pad_id}
    if not set(ids) - blank:
        raise UnsupportedText
    return ids


def symbols(model: Any, ids: Sequence[int]) -> list[str]:
    """The tokens as they are written; those that stand for nothing written have names of several characters, such as <BLNK>."""
    return [model.tokenizer.characters.id_to_char(number) for number in ids]


def speak(model: Any, rows: Sequence[Row], *, after: int = AFTER) -> list[Spoken]:
    """One pass over all rows. Each result depends on its own row alone, within the rounding of the device.

    `after` may be 0 where a row is always alone.
    """
    with torch().inference_mode():
        return _speak(model, rows, after)


def _speak(model: Any, rows: Sequence[Row], after: int) -> list[Spoken]:
    th, helpers = torch(), tts("TTS.tts.utils.helpers")
    device = next(model.parameters()).device
    noise = Noise([row.seed for row in rows])
    lengths = th.tensor([len(row.ids) for row in rows], device=device)
    ids = th.full((len(rows), int(lengths.max())), model.tokenizer.characters.pad_id, dtype=th.long)
    for number, row in enumerate(rows):
        ids[number, : len(row.ids)] = th.tensor(row.ids)
    conditioning = model._get_speaker_conditioning(_speakers(rows, device), "emb_g", normalize_embedding=False)
    languages = None
    if model.args.use_language_embedding and rows[0].language is not None:
        languages = model.emb_l(th.tensor([row.language for row in rows], device=device)).unsqueeze(-1)

    hidden, means, log_scales, text_mask = model.text_encoder(ids.to(device), lengths, lang_emb=languages)
    log_durations = _log_durations(model, hidden, text_mask, conditioning=conditioning, languages=languages, noise=noise)
    paces = th.tensor([model.length_scale / row.speed for row in rows], device=device)[:, None, None]
    durations = th.ceil(th.exp(log_durations) * text_mask * paces).clamp_max(LONGEST_TOKEN)

    frames = durations.sum([1, 2]).clamp_min(1).long()
    mask = helpers.sequence_mask(frames, int(frames.max()) + after).to(text_mask.dtype).unsqueeze(1)
    path = helpers.generate_path(durations.squeeze(1), (text_mask * mask.transpose(1, 2)).transpose(1, 2))
    means, log_scales = (values @ path for values in (means, log_scales))
    drawn = th.from_numpy(noise.draw(len(rows), means.shape[1], means.shape[2])).to(means)
    prior = means + drawn * th.exp(log_scales) * model.inference_noise_scale
    latent = model.flow(prior, mask, g=conditioning, reverse=True)
    if model.args.encoder_sample_rate and model.args.interpolate_z:
        latent = th.nn.functional.interpolate(latent, scale_factor=[model.interpolate_factor], mode="linear")
        frames = (frames * model.interpolate_factor).long()
        mask = helpers.sequence_mask(frames, latent.shape[2]).to(mask.dtype).unsqueeze(1)
    waves = model.waveform_decoder(latent * mask, g=conditioning)[:, 0]

    hop = waves.shape[1] // latent.shape[2]
    cut = waves.float().cpu().numpy()
    lasting = durations[:, 0].float().cpu().tolist()
    return [Spoken(cut[number, : int(frames[number]) * hop], tuple(lasting[number][: len(row.ids)])) for number, row in enumerate(rows)]


def _speakers(rows: Sequence[Row], device: Any) -> dict[str, Any]:
    th = torch()
    if rows[0].speaker is not None:
        return {"speaker_ids": th.tensor([row.speaker for row in rows], device=device)}
    if rows[0].d_vector is not None:
        return {"d_vectors": th.tensor([row.d_vector for row in rows], device=device)}
    return {}


def _log_durations(model: Any, hidden: Any, mask: Any, *, conditioning: Any, languages: Any, noise: Noise) -> Any:
    """Natural logarithms of how many frames each token lasts, shape (rows, 1, tokens)."""
    g = conditioning if model.args.condition_dp_on_speaker else None
    if not model.args.use_sdp:
        return model.duration_predictor(hidden, mask, g=g, lang_emb=languages)
    with _Drawn(noise):
        return model.duration_predictor(hidden, mask, g=g, reverse=True, noise_scale=model.inference_noise_scale_dp, lang_emb=languages)


class _Drawn:
    """Within, this thread's `torch.randn` gives the rows' own noise: the stochastic predictor draws its noise itself."""

    def __init__(self, noise: Noise) -> None:
        th = torch()
        overrides = th.overrides.TorchFunctionMode

        class Mode(overrides):  # type: ignore[misc, valid-type]
            def __torch_function__(self, function: Any, _types: Any, args: Any = (), kwargs: Any = None) -> Any:
                if function is th.randn:
                    return th.from_numpy(noise.draw(*args)).to(**(kwargs or {}))
                return function(*args, **(kwargs or {}))

        self._mode = Mode()

    def __enter__(self) -> None:
        self._mode.__enter__()

    def __exit__(self, *error: object) -> None:
        self._mode.__exit__(*error)
