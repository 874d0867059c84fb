"""What this machine can speak with, told to the database: a worker writes it when it starts, every web process reads it."""

from __future__ import annotations

from dataclasses import asdict
from functools import cache, partial
from typing import Any

import structlog
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from config.errors import Refusal
from jobs import departure
from jobs.departure import Reason
from voice import registry
from voice.engines import available
from voice.engines.base import EngineUnavailable, Speaker, Synthesizer
from voice.engines.coqui import Coqui, Settings
from voice.models import Model, ModelAlias, Voice, VoiceAlias

log = structlog.get_logger("catalogue")

PREFERENCE = {"flite": 10, "espeak": 20, "remote": 150, "tone": 200}
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
def stock() -> list[Synthesizer]:
    """The engines of this machine that have voices of their own, made once per process."""
    return available(misbehave=settings.TEST_ENGINES, upstreams=settings.UPSTREAMS)


@cache
def models() -> Coqui | None:
    """The engine that speaks with registered models, where it is installed."""
    try:
        return Coqui(
            Settings(
                models=settings.MODELS_DIR,
                device=settings.DEVICE,
                threads=settings.DEVICE_THREADS,
                budget=settings.MODEL_MEMORY,
                idle=settings.MODEL_IDLE,
                patience=settings.MODEL_PATIENCE,
                window=settings.BATCH_WINDOW,
                most=settings.BATCH_SIZE,
            ),
            # nobody starts a server again that runs its workers itself
            emptied=_stay if settings.EMBEDDED else partial(departure.ask, Reason.RECYCLED),
        )
    except EngineUnavailable as missing:
        log.info("no models here", reason=str(missing))
        return None


def _stay() -> None:
    log.info("no model is in memory")


def engines() -> dict[str, Synthesizer]:
    """Every engine of this machine by name."""
    here: list[Synthesizer] = [*stock()]
    if (coqui := models()) is not None:
        here.append(coqui)
    return {engine.name: engine for engine in here}


def synchronise() -> None:
    """Make the rows of this machine's models and stock voices, and the aliases that are missing. Many workers may do so at once."""
    for engine in stock():
        slowest, fastest = engine.speeds
        can = {"verbatim": engine.verbatim, "phonetic": engine.phonetic, "timed": engine.timed}
        known = {"engine": engine.name, **can, "slowest": slowest, "fastest": fastest}
        for name in {_model_of(engine, speaker) for speaker in engine.speakers()}:
            _refuse_another(name, engine)
            # the preference is the product's until staff have one
            Model.objects.update_or_create(name=name, defaults=known, create_defaults={**known, "preference": PREFERENCE[engine.name]})
        _synchronise_voices(engine)
    if (coqui := models()) is not None:
        for model in Model.objects.filter(engine=coqui.name):
            registry.examine(model, coqui)
    _synchronise_aliases()


def _model_of(engine: Synthesizer, speaker: Speaker) -> str:
    return speaker.model or engine.name


def _refuse_another(name: str, engine: Synthesizer) -> None:
    """Stop the start where a name that the operator chose for an upstream is taken."""
    other = Model.objects.filter(pk=name).exclude(engine=engine.name).first() or ModelAlias.objects.filter(pk=name).first()
    if other is not None:
        raise ImproperlyConfigured(f"UPSTREAMS: there is another model '{name}'. Give the upstream a name of its own.")


def preload() -> None:
    """Load what the operator wants in memory from the start. What can't be loaded is logged, and the worker works without."""
    coqui = models()
    if coqui is None:
        return
    for name in settings.PRELOAD_MODELS:
        model = Model.objects.filter(pk=name, enabled=True).first()
        try:
            coqui.preload(registry.source_of(model, name))
        except Refusal as refusal:
            log.error("not preloaded", model=name, reason=refusal.reason)


def report() -> dict[str, Any]:
    """What a worker tells of itself: the device, and the models in its memory."""
    coqui = models()
    if coqui is None:
        return {}
    device, loaded = coqui.report()
    return {"device": device, "loaded": [asdict(model) for model in loaded]}


def _synchronise_voices(engine: Synthesizer) -> None:
    known = {voice.name: voice for voice in Voice.objects.stock()}
    speakers = engine.speakers()
    missing = [_described(Voice(name=speaker.name), engine, speaker) for speaker in speakers if speaker.name not in known]
    Voice.objects.bulk_create(missing, ignore_conflicts=True)
    present = [_described(known[speaker.name], engine, speaker) for speaker in speakers if speaker.name in known]
    Voice.objects.bulk_update(present, ["model", "speaker", "languages", "gender"])


def _described(voice: Voice, engine: Synthesizer, speaker: Speaker) -> Voice:
    voice.model_id = _model_of(engine, speaker)
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
