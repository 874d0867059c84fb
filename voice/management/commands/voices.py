from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.db.models import QuerySet

from accounts.models import Deed
from accounts.terminal import Row, VerbCommand, listing, person, plain, verb
from voice.models import Voice, VoiceAlias
from voice.models.catalogue import VoiceState

COLUMNS = ("name", "model", "languages", "gender", "state", "owner", "aliases")
ALIAS_COLUMNS = ("name", "voice", "model", "chosen_by")


class Command(VerbCommand):
    help = "Voices, and the names of others that stand for them."
    examples = (
        "list --language de",
        "list --user anna --json",
        "show alloy",
        "alias alloy vctk/p225",
        "alias alloy --remove",
        "aliases",
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        shown = listing(verbs, "list", self._list, "the voices that everybody has")
        shown.add_argument("--language", help="only those that speak it, such as de or pt-br")
        shown.add_argument("--model", help="only those of this model")
        shown.add_argument("--state", choices=[state.value for state in VoiceState])
        whose = shown.add_mutually_exclusive_group()
        whose.add_argument("--user", help="this user's own instead")
        whose.add_argument("--own", action="store_true", help="everybody's own instead")
        listing(verbs, "show", self._show, "one voice, by its name, its id or an alias").add_argument("name")
        listing(verbs, "aliases", self._aliases, "the names that stand for a voice")
        alias = verb(verbs, "alias", self._alias, "let a name stand for a voice that everybody has")
        alias.add_argument("name", help="such as alloy")
        what = alias.add_mutually_exclusive_group(required=True)
        what.add_argument("voice", nargs="?")
        what.add_argument("--remove", action="store_true", help="it stands for none; OpenAI's names come back when a worker starts")

    def _list(
        self,
        *,
        language: str | None,
        model: str | None,
        state: str | None,
        user: str | None,
        own: bool,
        as_json: bool,
        **_options: Any,
    ) -> None:
        voices: QuerySet[Voice] = Voice.objects.stock()
        if user is not None:
            voices = Voice.objects.of(person(user))
        elif own:
            voices = Voice.objects.exclude(owner=None)
        if model is not None:
            voices = voices.filter(model=model)
        found = voices.select_related("model", "consent", "owner").prefetch_related("aliases").order_by("model", "name")
        tag = language.lower().replace("_", "-") if language else None
        wanted = (voice for voice in found if (tag is None or voice.speaks(tag)) and (state is None or voice.state == state))
        self.show((_row(voice) for voice in wanted), columns=COLUMNS, as_json=as_json)

    def _show(self, *, name: str, as_json: bool, **_options: Any) -> None:
        found = Voice.objects.select_related("model", "consent", "owner").prefetch_related("aliases").called(name)
        if not found:
            raise CommandError(f"There is no voice '{plain(name)}'. `manage.py voices list` shows those that there are.")
        for voice in found:
            model = voice.model
            more = {"id": voice.pk, "description": voice.description, "version": voice.version, "created": voice.created_at}
            can = {"slowest": model.slowest, "fastest": model.fastest, "tells_words": model.timed, "licence": model.licence}
            self.tell({**_row(voice), **more, **can}, as_json=as_json)
            if as_json:
                return

    def _aliases(self, *, as_json: bool, **_options: Any) -> None:
        aliases = VoiceAlias.objects.select_related("voice")
        self.show((_alias_row(alias) for alias in aliases), columns=ALIAS_COLUMNS, as_json=as_json)

    def _alias(self, *, name: str, voice: str | None, remove: bool, **_options: Any) -> None:
        if remove:
            alias = VoiceAlias.objects.filter(pk=name).first()
            if alias is None:
                raise CommandError(f"There is no alias '{plain(name)}'.")
            self.note(Deed.DELETED, [alias])
            alias.delete()
            self.say(f"{name} stands for no voice.")
            return
        longest = VoiceAlias._meta.get_field("name").max_length or 0
        if not 0 < len(name) <= longest or not name.isprintable():
            raise CommandError(f"A name has 1 to {longest} printable characters.")
        if Voice.objects.stock().filter(name=name).exists():
            raise CommandError(f"'{name}' is a voice itself, which its name goes on meaning. Choose another name.")
        meant = Voice.objects.stock().called(voice or "").first()
        if meant is None:
            raise CommandError(f"There is no voice '{plain(voice or '')}' that everybody has.")
        alias, _ = VoiceAlias.objects.update_or_create(name=name, defaults={"voice": meant, "automatic": False})
        self.note(Deed.CHANGED, [alias], f"stands for {meant}")
        self.say(f"{name} stands for {meant}.")


def _row(voice: Voice) -> Row:
    return {
        "name": voice.name,
        "model": voice.model_id,
        "languages": voice.languages,
        "gender": voice.gender,
        "state": voice.state.value,
        "owner": voice.owner.username if voice.owner else None,
        "aliases": sorted(alias.name for alias in voice.aliases.all()),
    }


def _alias_row(alias: VoiceAlias) -> Row:
    return {
        "name": alias.name,
        "voice": alias.voice.name,
        "model": alias.voice.model_id,
        "chosen_by": "the product" if alias.automatic else "staff",
    }
