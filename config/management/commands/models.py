from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.errors import Refusal
from voice import catalogue, registry
from voice.models import Model

MISSING = dict(zip(registry.ENGINES, ("there is no Coqui TTS on this machine", "there is no faster-whisper on this machine"), strict=True))


class Command(BaseCommand):
    help = "Register models of Coqui's zoo, of Whisper's or in folders, fetch them, and try them on this machine."

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        verbs.add_parser("list", help="the registered models")
        add = verbs.add_parser("add", help="register a model")
        add.add_argument("name", help="what callers will write as `model`")
        add.add_argument("location", help="a name such as tts_models/en/vctk/vits, or small of Whisper's, or a folder on the workers")
        add.add_argument("--engine", default=registry.ENGINE, choices=registry.ENGINES, help="whisper: for transcription")
        add.add_argument("--licence", default="", help="its licence, where the zoo does not say")
        pull = verbs.add_parser("pull", help="fetch a registered model to this machine")
        pull.add_argument("name")
        pull.add_argument("--agree", action="store_true", help="agree to its licence where that is asked for")
        check = verbs.add_parser("check", help="load models on this machine and let each that speaks say a sentence")
        check.add_argument("names", nargs="*", help="none: all")
        remove = verbs.add_parser("remove", help="forget a model and its voices; its files stay")
        remove.add_argument("name")

    def handle(self, *_args: Any, verb: str, **options: Any) -> None:
        try:
            getattr(self, f"_{verb}")(**options)
        except Refusal as refusal:
            raise CommandError(refusal.reason) from None

    def _list(self, **_options: Any) -> None:
        for model in Model.objects.all():
            state = "disabled" if not model.enabled else model.problem or "ready"
            self.stdout.write(f"{model.name}  {model.task}  {model.location or 'built in'}  {model.licence or 'no licence noted'}  {state}")

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
        if model.engine == registry.ENGINE and (coqui := catalogue.models()) is not None:
            coqui.pull(model.location, agreed=agree)
        elif model.engine != registry.ENGINE and (ear := catalogue.whisper()) is not None:
            ear.pull(model.location)
        else:
            raise CommandError(f"{MISSING[model.engine]}: pip install 'voice-platform[gpu]'")
        catalogue.examine(model)
        self.stdout.write(f"{name} is here. {model.problem}".rstrip())

    def _check(self, *, names: list[str], **_options: Any) -> None:
        models = [self._model(name) for name in names] or list(Model.objects.exclude(location=""))
        broken = 0
        for model in models:
            if catalogue.examine(model):
                try:
                    seconds = catalogue.try_out(model)
                    self.stdout.write(f"{model.name}: {seconds:.1f} s of speech" if seconds else f"{model.name}: loaded")
                    continue
                except Refusal:
                    model.refresh_from_db()
            broken += 1
            self.stdout.write(f"{model.name}: {model.problem or MISSING[model.engine]}")
        if broken:
            raise CommandError(f"{broken} of {len(models)} can't be used on this machine.")

    def _remove(self, *, name: str, **_options: Any) -> None:
        registry.forget(self._model(name))
        self.stdout.write(f"{name} is forgotten.")

    @staticmethod
    def _model(name: str) -> Model:
        model = Model.objects.filter(pk=name).exclude(location="").first()
        if model is None:
            raise CommandError(f"No model '{name}' is registered.")
        return model
