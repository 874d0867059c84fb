"""A Whisper of a few kilobytes a layer, made here: what it says is built into it, for nobody taught it to listen.

Every token's embedding is the code of the token that follows it, and the layers between add nothing: from the task on it always says the
same. Its encoder and its cross-attention are chance, as far as the times of words come from them.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import tokenizers
from ctranslate2.specs import WhisperSpec
from faster_whisper.tokenizer import _LANGUAGE_CODES
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel

WIDTH = 32
HEADS = 2
MELS = 80
PLACES = 448
FRAMES = 1500
# that its encoder makes of a window
LARGEST_TEXT = 50_257
# tokens of the published ones before the first special one
LANGUAGES = tuple(code for code in _LANGUAGE_CODES if code != "yue")
DETECTED = "de"
TRANSCRIBED = ["<|0.00|>", "ĠGuten", "<|1.00|>", "<|4.00|>", "ĠTag", "<|5.00|>", "<|endoftext|>"]
TRANSLATED = ["<|0.02|>", "ĠGood", "<|1.02|>", "<|4.02|>", "Ġday", "<|5.02|>", "<|endoftext|>"]


def make_whisper(folder: Path, *, english: bool = False) -> Path:
    """Says "Guten" in its first second and "Tag" in its fifth; translating, "Good" and "day". An English one says the former."""
    tokens = _tokens(english=english)
    numbers = {token: number for number, token in enumerate(tokens)}
    rng = np.random.default_rng(7)
    codes = rng.choice([-1.0, 1.0], (len(tokens), WIDTH)).astype(np.float32)
    embeddings = np.zeros((len(tokens), WIDTH), np.float32)
    projection = np.zeros((len(tokens), WIDTH), np.float32)
    start = "<|startoftranscript|>"
    chains = [[start, f"<|{DETECTED}|>"], ["<|transcribe|>", *TRANSCRIBED], ["<|translate|>", *TRANSLATED]]
    if english:
        # it is told neither language nor task
        chains = [[start, *TRANSCRIBED]]
    for chain in chains:
        for before, after in pairwise(chain):
            embeddings[numbers[before]] = projection[numbers[after]] = codes[numbers[after]]
    spec = WhisperSpec(1, HEADS, 1, HEADS)
    _fill(spec, rng)
    spec.decoder.embeddings.weight = embeddings
    spec.decoder.projection.weight = projection
    spec.register_vocabulary(tokens)
    spec.config.suppress_ids = []
    spec.config.suppress_ids_begin = []
    spec.config.lang_ids = [numbers[f"<|{language}|>"] for language in LANGUAGES]
    spec.config.alignment_heads = [(0, 0), (0, 1)]
    spec.validate()
    spec.optimize()
    folder.mkdir(parents=True)
    spec.save(str(folder))
    _tokenizer(tokens).save(str(folder / "tokenizer.json"))
    return folder


def _tokens(*, english: bool) -> list[str]:
    """As the published ones number theirs."""
    letters = sorted(ByteLevel.alphabet())
    words = ["ĠGuten", "ĠTag", "ĠGood", "Ġday"]
    texts = [*letters, *words]
    texts += [f"filler{number}" for number in range(LARGEST_TEXT - 1 - len(texts))]
    texts += [] if english else [""]
    # by that one the library tells them from those that know English only
    special = ["<|endoftext|>", "<|startoftranscript|>", *(f"<|{language}|>" for language in LANGUAGES), "<|translate|>", "<|transcribe|>"]
    special += ["<|startoflm|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>"]
    return [*texts, *special, *(f"<|{number * 0.02:.2f}|>" for number in range(1501))]


def _tokenizer(tokens: list[str]) -> tokenizers.Tokenizer:
    made = tokenizers.Tokenizer(BPE({token: number for number, token in enumerate(tokens)}, []))
    made.pre_tokenizer = ByteLevel(add_prefix_space=False)
    made.decoder = tokenizers.decoders.ByteLevel()
    made.add_special_tokens([token for token in tokens if token.startswith("<|") and token.endswith("|>")])
    return made


def _fill(spec: WhisperSpec, rng: np.random.Generator) -> None:
    def chance(*shape: int) -> np.ndarray:
        return rng.normal(0, 0.2, shape).astype(np.float32)

    def nothing(*shape: int) -> np.ndarray:
        return np.zeros(shape, np.float32)

    def norm(layer: object) -> None:
        layer.gamma, layer.beta = np.ones(WIDTH, np.float32), nothing(WIDTH)  # type: ignore[attr-defined]

    def linear(layer: object, weight: np.ndarray) -> None:
        layer.weight, layer.bias = weight, nothing(len(weight))  # type: ignore[attr-defined]

    encoder, decoder = spec.encoder, spec.decoder
    encoder.conv1.weight, encoder.conv1.bias = chance(WIDTH, MELS, 3), nothing(WIDTH)
    encoder.conv2.weight, encoder.conv2.bias = chance(WIDTH, WIDTH, 3), nothing(WIDTH)
    encoder.position_encodings.encodings = chance(FRAMES, WIDTH)
    decoder.position_encodings.encodings = nothing(PLACES, WIDTH)
    norm(encoder.layer_norm)
    norm(decoder.layer_norm)
    for layer in (*encoder.layer, *decoder.layer):
        norm(layer.self_attention.layer_norm)
        linear(layer.self_attention.linear[0], nothing(3 * WIDTH, WIDTH))
        linear(layer.self_attention.linear[1], nothing(WIDTH, WIDTH))
        norm(layer.ffn.layer_norm)
        linear(layer.ffn.linear_0, nothing(WIDTH, WIDTH))
        linear(layer.ffn.linear_1, nothing(WIDTH, WIDTH))
    for layer in decoder.layer:
        norm(layer.attention.layer_norm)
        linear(layer.attention.linear[0], chance(WIDTH, WIDTH))
        linear(layer.attention.linear[1], chance(2 * WIDTH, WIDTH))
        linear(layer.attention.linear[2], nothing(WIDTH, WIDTH))
