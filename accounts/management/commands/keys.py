from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from accounts.models import ApiKey, Deed, Scope
from accounts.terminal import Row, VerbCommand, listing, number, person, verb
from accounts.tokens import issue_key

LONGEST_DAYS = 3650
MOST_SHOWN = 100
COLUMNS = ("id", "name", "owner", "scopes", "state", "created", "last_used", "expires")


class Command(VerbCommand):
    help = "API keys, by which programs call the service."
    examples = (
        "create anna --name phone --scope speech --scope outputs --days 90",
        "create anna --json | jq -r .key",
        "list --user anna",
        "revoke key_01…",
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        shown = listing(verbs, "list", self._list, "the keys that work, newest first")
        shown.add_argument("--user", help="only this user's")
        shown.add_argument("--all", action="store_true", dest="every", help="also those that work no more")
        shown.add_argument("--limit", type=number, default=MOST_SHOWN, help=f"default {MOST_SHOWN}")
        create = listing(verbs, "create", self._create, "make a key; it is shown once")
        create.add_argument("user")
        create.add_argument("--name", default="made by an operator", help="what it is for")
        create.add_argument("--scope", action="append", choices=[scope.value for scope in Scope], dest="scopes", help="default: all")
        create.add_argument("--days", type=number, help="that it works; default: until it is revoked")
        verb(verbs, "revoke", self._revoke, "end keys, at once").add_argument("ids", nargs="+", metavar="key_…")

    def _list(self, *, user: str | None, every: bool, limit: int, as_json: bool, **_options: Any) -> None:
        keys = ApiKey.objects.select_related("owner").order_by("-pk")
        if not every:
            keys = keys.live()
        if user is not None:
            keys = keys.of(person(user))
        self.show((_row(key) for key in keys[:limit]), columns=COLUMNS, as_json=as_json)

    def _create(self, *, user: str, name: str, scopes: list[str] | None, days: int | None, as_json: bool, **_options: Any) -> None:
        if days is not None and days > LONGEST_DAYS:
            raise CommandError(f"--days takes 1 to {LONGEST_DAYS}.")
        longest = ApiKey._meta.get_field("name").max_length or 0
        if not 0 < len(name) <= longest:
            raise CommandError(f"A name has 1 to {longest} characters.")
        expires_at = None if days is None else timezone.now() + timedelta(days=days)
        wanted = [scope for scope in Scope if scopes is None or scope in scopes]
        key, token = issue_key(owner=person(user), name=name, scopes=wanted, expires_at=expires_at)
        self.note(Deed.ADDED, [key], f"for {key.owner}")
        if as_json or self.stdout.isatty():
            self.tell({**_row(key), "key": token}, as_json=as_json)
        else:
            self.stdout.write(token)

    def _revoke(self, *, ids: list[str], **_options: Any) -> None:
        keys = ApiKey.objects.in_bulk(ids)
        if missing := [each for each in ids if each not in keys]:
            raise CommandError(f"There is no key {', '.join(missing)}. Nothing was revoked.")
        for key in keys.values():
            if not key.revoke():
                self.say(f"{key} was revoked before.")
                continue
            self.note(Deed.CHANGED, [key], "revoked")
            self.say(f"{key} is revoked.")


def _row(key: ApiKey) -> Row:
    over = key.expires_at is not None and key.expires_at <= timezone.now()
    return {
        "id": key.pk,
        "name": key.name,
        "owner": key.owner.username,
        "scopes": key.scopes,
        "state": "revoked" if key.revoked_at else "expired" if over else "owner blocked" if not key.owner.is_active else "active",
        "created": key.created_at,
        "last_used": key.last_used_at,
        "expires": key.expires_at,
    }
