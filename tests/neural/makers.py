"""Small models with random weights, saved as Coqui saves its own, so that the real loading code has something to load."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from voice.engines.coqui.library import torch, tts

LETTERS = "abcdefghijklmnopqrstuvwxyz"
PUNCTUATION = "!'(),-.:;? "
VITS_RATE = 22_050
# Hz
TINY_VITS: dict[str, Any] = {
    "hidden_channels": 64,
    "hidden_channels_ffn_text_encoder": 128,
    "num_layers_text_encoder": 2,
    "num_layers_posterior_encoder": 4,
    "num_layers_flow": 2,
    "resblock_type_decoder": "2",
    "resblock_kernel_sizes_decoder": [3, 5, 7],
    "resblock_dilation_sizes_decoder": [[1, 2], [2, 6], [3, 12]],
    "upsample_rates_decoder": [8, 8, 4],
    "upsample_kernel_sizes_decoder": [16, 16, 8],
    "upsample_initial_channel_decoder": 128,
}
WIDE_HEARING = {
    "resblock_type_decoder": "1",
    "resblock_kernel_sizes_decoder": [3, 7, 11],
    "resblock_dilation_sizes_decoder": [[1, 3, 5], [1, 3, 5], [1, 3, 5]],
    "upsample_rates_decoder": [8, 8, 2, 2],
    "upsample_kernel_sizes_decoder": [16, 16, 4, 4],
}
# the published decoder's: its samples depend on as many frames around them
SMALL_VITS = TINY_VITS | {
    "hidden_channels": 96,
    "hidden_channels_ffn_text_encoder": 384,
    "num_layers_text_encoder": 4,
    "num_layers_posterior_encoder": 8,
    "num_layers_flow": 4,
    "upsample_initial_channel_decoder": 256,
}
KNNVC_RATE = 16_000
XTTS_CODES = 1_026
NEVER = -1e4
WAVLM: dict[str, Any] = {
    "encoder_layers": 8,
    "encoder_embed_dim": 64,
    "encoder_ffn_embed_dim": 128,
    "encoder_attention_heads": 4,
    "conv_feature_layers": "[(32,10,5)] + [(32,3,2)] * 4 + [(32,2,2)] * 2",
    "extractor_mode": "layer_norm",
    "layer_norm_first": True,
    "normalize": True,
    "relative_position_embedding": True,
    "gru_rel_pos": True,
    "num_buckets": 320,
    "max_distance": 800,
    "conv_pos": 128,
    "conv_pos_groups": 16,
}


def make_vits(
    folder: Path, *, speakers: tuple[str, ...] = (), stochastic: bool = False, seed: int = 0, sizes: dict[str, Any] = TINY_VITS
) -> Path:
    """A VITS that reads English letters. `stochastic` gives it the duration predictor of the published ones."""
    torch().manual_seed(seed)
    configs = tts("TTS.tts.configs.vits_config")
    shared = tts("TTS.tts.configs.shared_configs")
    arguments = configs.VitsArgs(init_discriminator=False, use_sdp=stochastic, **sizes)
    config = configs.VitsConfig(
        model_args=arguments,
        audio=tts("TTS.config.shared_configs").BaseAudioConfig(
            sample_rate=VITS_RATE, hop_length=256, win_length=1024, fft_size=1024, num_mels=80, mel_fmin=0, mel_fmax=None
        ),
        use_phonemes=False,
        text_cleaner="english_cleaners",
        add_blank=True,
        characters=shared.CharactersConfig(
            characters_class="TTS.tts.models.vits.VitsCharacters",
            pad="_",
            eos="",
            bos="",
            blank="<BLNK>",
            characters=LETTERS,
            punctuations=PUNCTUATION,
            phonemes=None,
        ),
    )
    folder.mkdir(parents=True, exist_ok=True)
    if speakers:
        arguments.use_speaker_embedding = config.use_speaker_embedding = True
        arguments.num_speakers = config.num_speakers = len(speakers)
        arguments.speaker_embedding_channels = 64
        torch().save({name: number for number, name in enumerate(speakers)}, folder / "speakers.pth")
        arguments.speakers_file = config.speakers_file = str(folder / "speakers.pth")
    _, config = tts("TTS.tts.utils.text.tokenizer").TTSTokenizer.init_from_config(config)
    model = tts("TTS.tts.models").setup_model(config)
    model.config.save_json(str(folder / "config.json"))
    torch().save({"model": model.state_dict(), "step": 0, "epoch": 0, "config": model.config.to_dict()}, folder / "model.pth")
    return folder


@contextmanager
def narrow_decoder(channels: int = 64) -> Iterator[None]:
    """The width of XTTS's decoder is no setting of it: within, it is so small that a CPU is quick."""
    module = tts("TTS.tts.models.xtts")
    wide = module.HifiDecoder
    module.HifiDecoder = functools.partial(wide, upsample_initial_channel_decoder=channels)
    try:
        yield
    finally:
        module.HifiDecoder = wide


def make_xtts(folder: Path, *, seed: int = 0, width: int = 64, layers: int = 2, speakers: tuple[str, ...] = ()) -> Path:
    """An XTTS with a reduced GPT and a vocabulary of its own; its `speakers` were made up, not listened to."""
    torch().manual_seed(seed)
    languages = ["en", "de"]
    folder.mkdir(parents=True, exist_ok=True)
    _make_vocabulary(folder / "vocab.json", languages)
    configs = tts("TTS.tts.configs.xtts_config")
    config = configs.XttsConfig(
        languages=languages,
        model_args=configs.XttsArgs(
            tokenizer_file=str(folder / "vocab.json"),
            gpt_layers=layers,
            gpt_n_model_channels=width,
            gpt_n_heads=2,
            decoder_input_dim=width,
            gpt_num_audio_tokens=XTTS_CODES,
            gpt_start_audio_token=XTTS_CODES - 2,
            gpt_stop_audio_token=XTTS_CODES - 1,
            gpt_use_perceiver_resampler=True,
            gpt_max_audio_tokens=605,
            gpt_max_text_tokens=402,
        ),
    )
    model = tts("TTS.tts.models.xtts").Xtts(config)
    model.tokenizer = tts("TTS.tts.layers.xtts.tokenizer").VoiceBpeTokenizer(vocab_file=str(folder / "vocab.json"))
    model.init_models()
    with torch().no_grad():
        # so that a text always lasts as long as it may: a random model would stop at random
        model.gpt.mel_head.bias[XTTS_CODES - 1] = NEVER
    made_up = {name: {"gpt_cond_latent": torch().randn(1, 32, width), "speaker_embedding": torch().randn(1, 512, 1)} for name in speakers}
    torch().save(made_up, folder / "speakers_xtts.pth")
    config.save_json(str(folder / "config.json"))
    torch().save({"model": model.state_dict()}, folder / "model.pth")
    return folder


def _make_vocabulary(path: Path, languages: list[str]) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    special = ["[STOP]", "[UNK]", "[SPACE]", *(f"[{language}]" for language in languages), "[START]"]
    trainer = trainers.BpeTrainer(
        vocab_size=512, special_tokens=special, show_progress=False, initial_alphabet=list(LETTERS + "!',-.:;?\"()")
    )
    tokenizer.train_from_iterator(["five wizards jump quickly over the boxing dog", "hello there my friend how are you"] * 20, trainer)
    tokenizer.save(str(path))


def make_freevc(folder: Path, *, home: Path, seed: int = 0) -> Path:
    """A FreeVC, and under `home` the WavLM that it hears with, where Coqui would have put it."""
    torch().manual_seed(seed)
    _make_wavlm(home)
    configs = tts("TTS.vc.configs.freevc_config")
    arguments = configs.FreeVCArgs(
        ssl_dim=64,
        inter_channels=32,
        hidden_channels=32,
        filter_channels=64,
        upsample_initial_channel=64,
        gin_channels=64,
        resblock="2",
        resblock_kernel_sizes=[3, 5],
        resblock_dilation_sizes=[[1, 3], [1, 3]],
        # those of the published one, which hears at 16 kHz and speaks at 24: the defaults keep the rate
        upsample_rates=[10, 6, 4, 2],
    )
    config = configs.FreeVCConfig(model_args=arguments)
    model = tts("TTS.vc.models.freevc").FreeVC(config)
    folder.mkdir(parents=True, exist_ok=True)
    config.save_json(str(folder / "config.json"))
    torch().save({"model": model.state_dict()}, folder / "model.pth")
    return folder


def _make_wavlm(home: Path) -> None:
    wavlm = tts("TTS.vc.layers.freevc.wavlm.wavlm")
    model = wavlm.WavLM(wavlm.WavLMConfig(WAVLM))
    folder = home / "tts" / "wavlm"
    folder.mkdir(parents=True, exist_ok=True)
    torch().save({"cfg": WAVLM, "model": model.state_dict()}, folder / "WavLM-Large.pt")


def make_knnvc(folder: Path, *, home: Path, seed: int = 0) -> Path:
    """A kNN-VC, its vocoder in its folder, and its WavLM under `home`."""
    torch().manual_seed(seed)
    _make_wavlm(home)
    width = WAVLM["encoder_embed_dim"]
    config = tts("TTS.vc.configs.knnvc_config").KNNVCConfig()
    config.model_args.ssl_dim = width
    (folder / "vocoder").mkdir(parents=True, exist_ok=True)
    config.save_json(str(folder / "config.json"))
    sizes = {
        "upsample_factors": [10, 8, 2, 2],
        "upsample_kernel_sizes": [20, 16, 4, 4],
        "upsample_initial_channel": 64,
        "resblock_type": "2",
        "resblock_kernel_sizes": [3, 5],
        "resblock_dilation_sizes": [[1, 3], [1, 3]],
        "pre_linear": width,
        "in_channels": width,
        "inference_padding": 0,
    }
    sound = tts("TTS.vocoder.configs.hifigan_config").HifiganConfig(generator_model_params=sizes)
    sound.audio.sample_rate, sound.audio.num_mels, sound.audio.hop_length = KNNVC_RATE, width, 320
    vocoder = tts("TTS.vocoder.models.gan").GAN(sound)
    sound.save_json(str(folder / "vocoder" / "config.json"))
    # with a discriminator, as published: the generator alone is read
    torch().save({"model": vocoder.model_g.state_dict(), "model_disc": {}}, folder / "vocoder" / "model.pth")
    return folder


@contextmanager
def narrow_openvoice() -> Iterator[None]:
    """The sizes of OpenVoice are in no file of it: within, they are small."""
    module = tts("TTS.vc.configs.openvoice_config")
    wide = module.OpenVoiceConfig
    sizes = {"inter_channels": 32, "hidden_channels": 32, "upsample_initial_channel": 64, "gin_channels": 64}
    module.OpenVoiceConfig = lambda: wide(model_args=module.OpenVoiceArgs(**sizes))
    try:
        yield
    finally:
        module.OpenVoiceConfig = wide


def make_openvoice(folder: Path, *, seed: int = 0) -> Path:
    torch().manual_seed(seed)
    model = tts("TTS.vc.models.openvoice").OpenVoice(tts("TTS.vc.configs.openvoice_config").OpenVoiceConfig())
    folder.mkdir(parents=True, exist_ok=True)
    torch().save({"model": model.state_dict()}, folder / "checkpoint.pth")
    data = '{"data": {"sampling_rate": 22050, "filter_length": 1024, "hop_length": 256, "win_length": 1024}}'
    (folder / "config.json").write_text(data)
    return folder


def make_speedy(folder: Path, *, seed: int = 0) -> Path:
    """A SpeedySpeech that reads English letters: a model of the kind that is spoken with by Coqui's own interface."""
    torch().manual_seed(seed)
    config = tts("TTS.tts.configs.speedy_speech_config").SpeedySpeechConfig(
        audio=tts("TTS.config.shared_configs").BaseAudioConfig(sample_rate=VITS_RATE, griffin_lim_iters=10),
        use_phonemes=False,
        text_cleaner="english_cleaners",
        characters=tts("TTS.tts.configs.shared_configs").CharactersConfig(
            characters_class="TTS.tts.utils.text.characters.Graphemes",
            pad="_",
            eos="&",
            bos="*",
            blank=None,
            characters=LETTERS,
            punctuations=PUNCTUATION,
        ),
    )
    config.model_args.hidden_channels = 64
    for part in (config.model_args.encoder_params, config.model_args.decoder_params):
        part |= {"num_res_blocks": 2, "dilations": [1, 1]}
    model = tts("TTS.tts.models").setup_model(config)
    folder.mkdir(parents=True, exist_ok=True)
    model.config.save_json(str(folder / "config.json"))
    torch().save({"model": model.state_dict(), "step": 0, "epoch": 0, "config": model.config.to_dict()}, folder / "model.pth")
    return folder
