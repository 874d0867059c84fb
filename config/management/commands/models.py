from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.db.models import Count

from accounts.terminal import Row, VerbCommand, listing, plain, verb
from config.errors import Refusal
from voice import catalogue, registry
from voice.models import Model

MISSING = dict(zip(registry.ENGINES, ("there is no Coqui TTS on this machine", "there is no faster-whisper on this machine"), strict=True))


COLUMNS = ("name", "task", "engine", "voices", "location", "licence", "state")


class Command(VerbCommand):
    help = "Register models of Coqui's zoo, of Whisper's or in folders, fetch them, and try them on this machine."
    examples = (
        "list --json",
        "add vctk tts_models/en/vctk/vits",
        "add whisper-small small --engine whisper",
        "pull vctk",
        "check",
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        listing(verbs, "list", self._list, "the models that there are")
        add = verb(verbs, "add", self._add, "register a model")
        add.add_argument("name", help="what callers will write as `model`")
        add.add_argument("location", help="a name such as tts_models/en/vctk/vits, or small of Whisper's, or a folder on the workers")
        add.add_argument("--engine", default=registry.ENGINE, choices=registry.ENGINES, help="whisper: for transcription")
        add.add_argument("--licence", default="", help="its licence, where the zoo does not say")
        pull = verb(verbs, "pull", self._pull, "fetch a registered model to this machine")
        pull.add_argument("name")
        pull.add_argument("--agree", action="store_true", help="agree to its licence where that is asked for")
        check = verb(verbs, "check", self._check, "load models on this machine and let each that speaks say a sentence")
        check.add_argument("names", nargs="*", help="none: all")
        remove = verb(verbs, "remove", self._remove, "forget a model and its voices; its files stay")
        remove.add_argument("name")

    def _list(self, *, as_json: bool, **_options: Any) -> None:
        voices = dict(Model.objects.annotate(number=Count("voices")).values_list("pk", "number"))
        self.show((_row(model, voices=voices.get(model.pk, 0)) for model in Model.objects.all()), columns=COLUMNS, as_json=as_json)

    def _add(self, *, name: str, location: str, licence: str, engine: str, **_options: Any) -> None:
        model = registry.register(name=name, location=location, licence=licence, engine=engine)
        if not catalogue.examine(model):
            why = model.problem or MISSING[engine]
            self.stdout.write(f"{name} is registered; a worker that has its files will offer it. Here: {why}")
            return
        if engine != registry.ENGINE:
            self.stdout.write(f"{name} is registered: it understands {len(model.languages)} languages.")
            return
        self.stdout.write(f"{name} is registered: {model.voices.count()} voices. Licence: {model.licence or 'not noted'}.")

    def _pull(self, *, name: str, agree: bool, **_options: Any) -> None:
        model = self._model(name)
        with self.progress(count=False) as bar:
            bar.add_task(f"fetching {name}", total=None)
            self._fetch(model, agree=agree)
        catalogue.examine(model)
        self.stdout.write(f"{name} is here. {model.problem}".rstrip())

    @staticmethod
    def _fetch(model: Model, *, agree: bool) -> None:
        if model.engine == registry.ENGINE and (coqui := catalogue.models()) is not None:
            coqui.pull(model.location, agreed=agree)
        elif model.engine != registry.ENGINE and (ear := catalogue.whisper()) is not None:
            ear.pull(model.location)
        else:
            raise CommandError(f"{MISSING[model.engine]}: pip install 'voice-platform[gpu]'")

    def _check(self, *, names: list[str], **_options: Any) -> None:
        models = [self._model(name) for name in names] or list(Model.objects.exclude(location=""))
        broken = 0
        with self.progress() as bar:
            for model in bar.track(models, description="loading"):
                working, told = _tried(model)
                broken += not working
                self.say(f"{model.name}: {told}")
        if broken:
            raise CommandError(f"{broken} of {len(models)} can't be used on this machine.")

    def _remove(self, *, name: str, **_options: Any) -> None:
        registry.forget(self._model(name))
        self.stdout.write(f"{name} is forgotten.")

    @staticmethod
    def _model(name: str) -> Model:
        model = Model.objects.filter(pk=name).exclude(location="").first()
        if model is None:
            raise CommandError(f"No model '{plain(name)}' is registered.")
        return model


def _tried(model: Model) -> tuple[bool, str]:
    """Whether a model can be used on this machine, and what there is to say of that."""
    if catalogue.examine(model):
        try:
            seconds = catalogue.try_out(model)
        except Refusal:
            model.refresh_from_db()
        else:
            return True, f"{seconds:.1f} s of speech" if seconds else "loaded"
    return False, model.problem or MISSING[model.engine]


def _row(model: Model, *, voices: int) -> Row:
    return {
        "name": model.name,
        "task": model.task,
        "engine": model.engine,
        "voices": voices,
        "location": model.location or None,
        "licence": model.licence,
        "state": "disabled" if not model.enabled else model.problem or "ready",
        "languages": model.languages,
        "clones": model.clones,
        "tells_words": model.timed,
        "checked": model.checked_at,
    }
