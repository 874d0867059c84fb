"""XTTS: speech in anybody's voice, streamed as the model writes it.

The loop is that of Coqui's `Xtts.inference_stream`, which decodes all that was written so far once more for each piece. Here only
what is new is decoded, with as much on either side as the decoder hears, so that the time is linear in the length and the samples
are the same as in one go.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from voice.engines.base import Pcm, UnsupportedText
from voice.engines.coqui.bounds import FADE, longest
from voice.engines.coqui.library import torch, tts
from voice.engines.coqui.vits import Wave

HEARD = 16
# frames on either side of one that its samples depend on
EDGE = 5
# frames at the end that the next code still changes, by the interpolation between the two
FIRST_PIECE = 10
# codes before the first samples leave: half of what Coqui waits for
PIECE = 20
# codes, each 46 ms
CODE_RATE = 22_050 / 1_024
# codes a second
LOUDEST = 32_768
REFERENCE_RATE = 24_000
# Hz of the recordings
HEARING_RATE = 22_050
# Hz of what the model hears
UNSPOKEN = ("[UNK]", "[SPACE]")
# tokens of what the model has no sound for
SETTINGS = ("temperature", "length_penalty", "repetition_penalty", "top_k", "top_p")


@dataclass(frozen=True, slots=True)
class Conditioning:
    """What the model knows of a voice: latents of shape (1, n, width) and an embedding of shape (1, 512, 1)."""

    latents: Any
    embedding: Any


def condition(model: Any, recordings: Sequence[Pcm]) -> Conditioning:
    """Hear recordings at 24,000 Hz. Coqui's `get_conditioning_latents` with samples in the place of files."""
    th, resample = torch(), tts("torchaudio.functional").resample
    heard = []
    for pcm in recordings:
        wave = th.from_numpy(pcm.astype(np.float32) / LOUDEST)[None]
        heard.append(resample(wave, REFERENCE_RATE, HEARING_RATE)[:, : HEARING_RATE * model.config.max_ref_len].to(model.device))
    with th.inference_mode():
        embedding = th.stack([model.get_speaker_embedding(wave, HEARING_RATE) for wave in heard]).mean(dim=0)
        latents = model.get_gpt_cond_latents(
            th.cat(heard, dim=-1), HEARING_RATE, length=model.config.gpt_cond_len, chunk_length=model.config.gpt_cond_chunk_len
        )
    return Conditioning(latents, embedding)


def stream(model: Any, text: str, language: str, who: Conditioning, *, speed: float, seed: int | None) -> Generator[Wave, None, None]:
    """Speak one sentence, piece by piece. One at a time for a model: it keeps the sentence that it is at in itself."""
    th = torch()
    tongue = language if language in model.config.languages else language.partition("-")[0]
    latents, embedding = who.latents.to(model.device), who.embedding.to(model.device)
    most = max(1, min(round(longest(text, language, speed) * speed * CODE_RATE), model.gpt.max_gen_mel_tokens))
    # codes
    if seed is not None:
        th.manual_seed(seed)
    with th.inference_mode():
        codes = _codes(model, text, tongue, latents, most=most)
    written: list[Any] = []
    spoken = 0
    # frames
    ended = False
    while not ended:
        wanted = len(written) + (PIECE if written else FIRST_PIECE)
        with th.inference_mode():
            while len(written) < wanted and not ended:
                code = next(codes, None)
                ended = code is None
                if code is not None:
                    written.append(code[1])
            if not written:
                return
            frames = _frames(model.hifigan_decoder, th.cat(written)[None], speed)
            wave, spoken = _decoded(model.hifigan_decoder, frames, embedding, spoken, ended=ended)
        if ended and len(written) >= most - 1:
            _fade(wave, model.hifigan_decoder.output_sample_rate)
        if len(wave):
            yield wave


def _codes(model: Any, text: str, language: str, latents: Any, *, most: int) -> Any:
    """The (code, latent) pairs for a text as they are written, at most so many."""
    th = torch()
    ids = model.tokenizer.encode(text.strip().lower(), lang=language)
    unspoken = {*model.tokenizer.encode("", lang=language), *map(model.tokenizer.tokenizer.token_to_id, UNSPOKEN)}
    if not set(ids) - unspoken:
        raise UnsupportedText
    if len(ids) >= model.args.gpt_max_text_tokens:
        raise UnsupportedText("A sentence is too long for this voice. Write shorter sentences.", code="segment_too_long")
    prefix = model.gpt.compute_embeddings(latents, th.IntTensor(ids)[None].to(model.device))
    written = model.gpt.get_generator(
        fake_inputs=prefix,
        do_sample=True,
        num_beams=1,
        num_return_sequences=1,
        output_attentions=False,
        output_hidden_states=True,
        return_dict_in_generate=True,
        **{name: getattr(model.config, name) for name in SETTINGS},
    )
    return islice(written, most)


def _frames(decoder: Any, latents: Any, speed: float) -> Any:
    """What the decoder makes samples of, shape (1, width, frames), all of it: interpolation is cheap."""
    interpolate = torch().nn.functional.interpolate
    frames = latents.transpose(1, 2)
    scales = [
        1 / speed,
        decoder.ar_mel_length_compression / decoder.output_hop_length,
        decoder.output_sample_rate / decoder.input_sample_rate,
    ]
    for scale in scales:
        if scale != 1:
            frames = interpolate(frames, scale_factor=[scale], mode="linear")
    return frames


def _decoded(decoder: Any, frames: Any, embedding: Any, spoken: int, *, ended: bool) -> tuple[Wave, int]:
    """Samples from the frame after the last one that was spoken, as far as they are sure; and the frame that comes next."""
    end = frames.shape[2] if ended else frames.shape[2] - EDGE
    sure = end if ended else max(spoken, end - HEARD)
    first = max(0, spoken - HEARD)
    if sure == spoken:
        return np.zeros(0, np.float32), spoken
    hop = decoder.output_hop_length
    wave: NDArray[np.float32] = decoder.waveform_decoder(frames[:, :, first:end], g=embedding)[0, 0].float().cpu().numpy()
    return wave[(spoken - first) * hop : (sure - first) * hop].copy(), sure


def _fade(wave: Wave, rate: int) -> None:
    """End in silence what was cut."""
    length = min(len(wave), round(FADE * rate))
    if length:
        wave[-length:] *= np.linspace(1, 0, length, dtype=np.float32)
