"""What this machine can speak with, told to the database: a worker writes it when it starts, every web process reads it."""

from __future__ import annotations

from functools import cache

from django.conf import settings

from voice.engines import available
from voice.engines.base import Speaker, Synthesizer
from voice.models import Model, ModelAlias, Voice, VoiceAlias

PREFERENCE = {"flite": 10, "espeak": 20, "tone": 200}
FALLBACK_VOICE = "espeak-en-us"
VOICE_ALIASES = {
    "alloy": "slt",
    "ash": "rms",
    "ballad": "awb",
    "cedar": "awb",
    "coral": "slt",
    "echo": "kal",
    "fable": "awb",
    "marin": "slt",
    "nova": "slt",
    "onyx": "rms",
    "sage": "slt",
    "shimmer": "slt",
    "verse": "rms",
}
MODEL_ALIASES = ("tts-1", "tts-1-hd", "gpt-4o-mini-tts")


@cache
def engines() -> dict[str, Synthesizer]:
    """The engines of this machine by name, made once per process."""
    return {engine.name: engine for engine in available(misbehave=settings.TEST_ENGINES)}


def synchronise() -> None:
    """Make the rows of this machine's models and stock voices, and the aliases that are missing. Many workers may do so at once."""
    for engine in engines().values():
        slowest, fastest = engine.speeds
        known = {
            "engine": engine.name,
            "verbatim": engine.verbatim,
            "phonetic": engine.phonetic,
            "slowest": slowest,
            "fastest": fastest,
        }
        # the preference is the product's until staff have one
        Model.objects.update_or_create(name=engine.name, defaults=known, create_defaults={**known, "preference": PREFERENCE[engine.name]})
        _synchronise_voices(engine)
    _synchronise_aliases()


def _synchronise_voices(engine: Synthesizer) -> None:
    known = {voice.name: voice for voice in Voice.objects.stock()}
    speakers = engine.speakers()
    missing = [_described(Voice(name=speaker.name), engine, speaker) for speaker in speakers if speaker.name not in known]
    Voice.objects.bulk_create(missing, ignore_conflicts=True)
    present = [_described(known[speaker.name], engine, speaker) for speaker in speakers if speaker.name in known]
    Voice.objects.bulk_update(present, ["model", "speaker", "languages", "gender"])


def _described(voice: Voice, engine: Synthesizer, speaker: Speaker) -> Voice:
    voice.model_id = engine.name
    voice.speaker = speaker.name
    voice.languages = list(speaker.languages)
    voice.gender = speaker.gender
    voice.description = speaker.description
    return voice


def _synchronise_aliases() -> None:
    voices = {voice.name: voice for voice in Voice.objects.stock().usable()}
    for name, wanted in VOICE_ALIASES.items():
        voice = voices.get(wanted) or voices.get(FALLBACK_VOICE)
        if voice is not None:
            VoiceAlias.objects.get_or_create(name=name, defaults={"voice": voice})
            VoiceAlias.objects.filter(name=name, automatic=True).exclude(voice=voice).update(voice=voice)
    for name in MODEL_ALIASES:
        ModelAlias.objects.get_or_create(name=name)
