"""The models that an operator registers, and what a worker that has looked at one tells of it."""

from __future__ import annotations

from typing import Any

import dramatiq
from django.db import transaction
from django.db.models.functions import Now

from config.errors import Refusal
from voice.ears.whisper import Whisper
from voice.engines.base import DeviceLost, ModelBroken, Source, Utterance
from voice.engines.coqui import Coqui
from voice.engines.coqui.zoo import Description
from voice.errors import ModelExists, ModelInUse, ModelNotFound
from voice.models import Model, Task, Voice

ENGINE = "coqui"
# the engine of registered models that speak, whose work goes to workers that can run one
ENGINES = (ENGINE, Whisper.name)
# of registered models
NEURAL_PREFERENCE = 50
# behind the engines that need no model, which an alias such as `alloy` goes on meaning
TRIAL = "The quick brown fox jumps over the lazy dog."


def register(*, name: str, location: str, licence: str = "", engine: str = ENGINE) -> Model:
    """A row for a model of its engine's zoo or in a folder; a worker looks at what it can. ModelExists when the name is taken."""
    model, made = Model.objects.get_or_create(
        name=name,
        defaults={
            **origin(engine),
            "location": location,
            "licence": licence,
            "preference": NEURAL_PREFERENCE,
        },
    )
    if not made:
        raise ModelExists(name)
    return model


def origin(engine: str) -> dict[str, Any]:
    """What is known of any model of an engine's."""
    if engine == Whisper.name:
        return {"engine": engine, "task": Task.TRANSCRIPTION}
    slowest, fastest = Coqui.speeds
    return {"engine": engine, "slowest": slowest, "fastest": fastest}


def source_of(model: Model | None, name: str) -> Source:
    """Where the files of a model are; ModelNotFound when it is none that has any."""
    if model is None or model.source is None:
        raise ModelNotFound(name)
    return model.source


def forget(model: Model) -> None:
    """Remove a model and its own voices. ModelInUse while somebody's own voice speaks by it."""
    with transaction.atomic():
        # a voice that is being made refers to the row, and its transaction ends before this or not at all
        Model.objects.select_for_update().filter(pk=model.pk).first()
        if Voice.objects.filter(model=model).exclude(owner=None).exists():
            raise ModelInUse(model.name)
        model.delete()


def examine(model: Model, engine: Coqui) -> bool:
    """Read a model's configuration and write down what it is and whose voices it has; False, with the problem, when it can't be used."""
    try:
        about = engine.describe(model.location)
    except Refusal as refusal:
        note(model, refusal.reason)
        return False
    voices = [] if about.converts else _voices(model, about)
    if problem := _obstacle(model, voices):
        note(model, problem)
        return False
    model.task = Task.CONVERSION if about.converts else Task.SPEECH
    model.clones = about.clones
    model.timed = about.timed
    model.rate = about.rate
    model.licence = model.licence or about.licence
    model.save(update_fields=["task", "clones", "timed", "rate", "licence"])
    note(model, "")
    Voice.objects.put(voices, fields=["model_id", "speaker", "languages"])
    return True


def examine_ear(model: Model, ear: Whisper) -> bool:
    """Look at the files of a model that listens and write down what it understands; False, with the problem, when it can't be used."""
    try:
        about = ear.describe(model.location)
    except Refusal as refusal:
        note(model, refusal.reason)
        return False
    model.languages, model.translates = list(about.languages), about.translates
    model.save(update_fields=["languages", "translates"])
    note(model, "")
    return True


def load_ear(model: Model, ear: Whisper) -> None:
    """Load a model that listens. Raises what went wrong, after noting it."""
    try:
        ear.preload(source_of(model, model.name))
    except Refusal as refusal:
        note(model, refusal.reason)
        raise


def trial(model: Model, engine: Coqui) -> float:
    """Load a model and let its first voice say a sentence: seconds of audio. Raises the Refusal that went wrong, after noting it."""
    voice = model.voices.filter(owner=None).order_by("name").first()
    try:
        if voice is None:
            engine.preload(source_of(model, model.name))
            return 0.0
        utterance = Utterance(TRIAL, voice.speaker, voice.languages[0], model=model.source)
        samples = sum(len(block) for block in engine.synthesize(utterance))
        return samples / engine.rate(utterance)
    except DeviceLost:
        # no fault of the model's
        raise
    except Refusal as refusal:
        note(model, refusal.reason)
        raise
    except Exception as error:  # whatever its library raises
        note(model, repr(error))
        raise ModelBroken(repr(error)) from error


def ask_to_check(name: str) -> None:
    """Let a worker that can run models try one. Nobody finds again what is not sent: it is raised, for whoever asked to be told."""
    dramatiq.get_broker().get_actor("check_model").send(name)


def note(model: Model, problem: str) -> None:
    longest = Model._meta.get_field("problem").max_length
    Model.objects.filter(pk=model.pk).update(problem=problem[:longest], checked_at=Now())
    model.refresh_from_db(fields=["problem", "checked_at"])


def _voices(model: Model, about: Description) -> list[Voice]:
    """One for each speaker of the model; the model's own name for one that has a single voice. A model that clones may have none."""
    names = {f"{model.name}/{speaker}": speaker for speaker in about.speakers}
    if not names and not about.clones:
        names = {model.name: ""}
    return [Voice(name=name, model=model, speaker=speaker, languages=list(about.languages)) for name, speaker in names.items()]


def _obstacle(model: Model, voices: list[Voice]) -> str:
    """Why these can't be the model's voices; empty: they can."""
    longest = Voice._meta.get_field("name").max_length or 0
    if long := next((voice.name for voice in voices if len(voice.name) > longest), ""):
        return f"The name of its voice '{long}' has more than {longest} characters. Register it under a shorter name."
    another = Voice.objects.stock().filter(name__in=[voice.name for voice in voices]).exclude(model=model).first()
    return "" if another is None else f"There is a voice '{another.name}' of another model. Register it under another name."
