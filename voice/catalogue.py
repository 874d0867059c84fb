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
from jobs.models import Instruction, Verb
from voice import metrics, registry
from voice.ears.base import Transcriber
from voice.ears.sphinx import Sphinx
from voice.ears.whisper import Settings as WhisperSettings
from voice.ears.whisper import Whisper
from voice.engines import available
from voice.engines.base import EngineUnavailable, Speaker, Synthesizer
from voice.engines.coqui import Coqui, Settings
from voice.errors import EngineMissing
from voice.models import Model, ModelAlias, Task, Voice, VoiceAlias

log = structlog.get_logger("catalogue")

PREFERENCE = {"flite": 10, "espeak": 20, "remote": 150, "tone": 200, "pocketsphinx": 200}
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
TRANSCRIPTION_ALIASES = (
    "whisper-1",
    "gpt-transcribe",
    "gpt-4o-transcribe",
    "gpt-4o-mini-transcribe",
    "gpt-4o-mini-transcribe-2025-12-15",
    "gpt-4o-transcribe-diarize",
)


@cache
def stock() -> list[Synthesizer]:
    """The engines of this machine that have voices of their own, made once per process."""
    return available(misbehave=settings.TEST_ENGINES, upstreams=settings.UPSTREAMS)


@cache
def models() -> Coqui | None:
    """The engine that speaks with registered models, where it is installed."""
    try:
        return Coqui(
            Settings(**_kept(), window=settings.BATCH_WINDOW, most=settings.BATCH_SIZE),
            # nobody starts a server again that runs its workers itself
            emptied=_stay if settings.EMBEDDED else partial(departure.ask, Reason.RECYCLED),
            batched=metrics.BATCH_SIZE.observe,
        )
    except EngineUnavailable as missing:
        log.info("no models here", reason=str(missing))
        return None


@cache
def whisper() -> Whisper | None:
    """The transcriber that listens with registered models, where it is installed."""
    try:
        return Whisper(WhisperSettings(**_kept()))
    except EngineUnavailable as missing:
        log.info("no models that listen here", reason=str(missing))
        return None


@cache
def ears() -> dict[str, Transcriber]:
    """Every transcriber of this machine by name, made once per process."""
    here: list[Transcriber] = []
    try:
        here.append(Sphinx())
    except EngineUnavailable as missing:
        log.info("no transcriber here", reason=str(missing))
    if (ear := whisper()) is not None:
        here.append(ear)
    return {ear.name: ear for ear in here}


def runs_models() -> bool:
    """Whether this machine takes the work that needs registered models."""
    return models() is not None or whisper() is not None


def _kept() -> dict[str, Any]:
    """How the operator wants models kept, whatever they do."""
    return {
        "models": settings.MODELS_DIR,
        "device": settings.DEVICE,
        "threads": settings.DEVICE_THREADS,
        "budget": settings.MODEL_MEMORY,
        "idle": settings.MODEL_IDLE,
        "patience": settings.MODEL_PATIENCE,
    }


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
        described = (_described(engine, speaker) for speaker in engine.speakers())
        Voice.objects.put(described, fields=["model_id", "speaker", "languages", "gender"])
    _synchronise_ears()
    for model in Model.objects.exclude(location=""):
        examine(model)
    _synchronise_aliases()


def _model_of(engine: Synthesizer, speaker: Speaker) -> str:
    return speaker.model or engine.name


def _refuse_another(name: str, engine: Synthesizer) -> None:
    """Stop the start where a name that the operator chose for an upstream is taken."""
    other = Model.objects.filter(pk=name).exclude(engine=engine.name).first() or ModelAlias.objects.filter(pk=name).first()
    if other is not None:
        raise ImproperlyConfigured(f"UPSTREAMS: there is another model '{name}'. Give the upstream a name of its own.")


def examine(model: Model) -> bool:
    """Look at a registered model, and write down what it is; False, with the problem, when it can't be used on this machine."""
    if model.engine == Whisper.name:
        return (ear := whisper()) is not None and registry.examine_ear(model, ear)
    return (coqui := models()) is not None and registry.examine(model, coqui)


def try_out(model: Model) -> float:
    """Load a model that was examined, and let one that speaks say a sentence: seconds of audio. Raises what went wrong, after noting it."""
    if model.engine == Whisper.name:
        if (ear := whisper()) is None:
            raise EngineMissing
        registry.load_ear(model, ear)
        return 0.0
    if (coqui := models()) is None:
        raise EngineMissing
    return registry.trial(model, coqui)


def preload() -> None:
    """Load what the operator wants in memory from the start. What can't be loaded is logged, and the worker works without."""
    for name in settings.PRELOAD_MODELS:
        model = Model.objects.filter(pk=name, enabled=True).first()
        engine = whisper() if model is not None and model.engine == Whisper.name else models()
        if engine is None:
            continue
        try:
            engine.preload(registry.source_of(model, name))
        except Refusal as refusal:
            log.error("not preloaded", model=name, reason=refusal.reason)


def run_instruction(instruction: Instruction) -> str:
    """Load or unload a model in this process, and say what came of it. Refusals: ModelNotFound, EngineMissing, whatever keeps it from being
    loaded.
    """
    model = Model.objects.filter(pk=instruction.subject).first()
    engine = whisper() if model is not None and model.engine == Whisper.name else models()
    source = registry.source_of(model, instruction.subject)
    if engine is None:
        raise EngineMissing
    if instruction.verb == Verb.LOAD:
        engine.preload(source)
        return "It is in memory."
    return "It is no longer in memory." if engine.unload(source.name) else "Nothing was done: it is in use, or was not in memory."


def report() -> dict[str, Any]:
    """What a worker tells of itself: the device, and the models in its memory."""
    if not runs_models():
        return {}
    coqui, ear = models(), whisper()
    device, loaded = coqui.report() if coqui is not None else ({}, [])
    return {"device": device, "loaded": [asdict(model) for model in [*loaded, *(ear.report() if ear is not None else [])]]}


def _synchronise_ears() -> None:
    """The models of transcribers that are one themselves, and what others' names stand for until staff choose."""
    for ear in ears().values():
        if not ear.languages:
            # each of its models has its own row
            continue
        known = {
            "engine": ear.name,
            "task": Task.TRANSCRIPTION,
            "languages": list(ear.languages),
            "translates": ear.translates,
            "timed": True,
        }
        Model.objects.update_or_create(name=ear.name, defaults=known, create_defaults={**known, "preference": PREFERENCE[ear.name]})
        aliases = [ModelAlias(name=name, model_id=ear.name) for name in TRANSCRIPTION_ALIASES]
        ModelAlias.objects.bulk_create(aliases, ignore_conflicts=True)


def _described(engine: Synthesizer, speaker: Speaker) -> Voice:
    return Voice(
        name=speaker.name,
        model_id=_model_of(engine, speaker),
        speaker=speaker.name,
        languages=list(speaker.languages),
        gender=speaker.gender,
        description=speaker.description,
    )


def _synchronise_aliases() -> None:
    voices = dict(Voice.objects.stock().usable().values_list("name", "pk"))
    fallback = voices.get(FALLBACK_VOICE)
    meant = {name: voice for name, wanted in VOICE_ALIASES.items() if (voice := voices.get(wanted, fallback)) is not None}
    VoiceAlias.objects.bulk_create([VoiceAlias(name=name, voice_id=voice) for name, voice in meant.items()], ignore_conflicts=True)
    for name, voice in VoiceAlias.objects.filter(name__in=meant, automatic=True).values_list("name", "voice_id"):
        if voice != meant[name]:
            VoiceAlias.objects.filter(name=name, automatic=True).update(voice=meant[name])
    ModelAlias.objects.bulk_create([ModelAlias(name=name) for name in MODEL_ALIASES], ignore_conflicts=True)
