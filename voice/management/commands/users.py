from __future__ import annotations

import sys
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from accounts.models import Deed, Removal, RemovalState
from accounts.terminal import person, plain, verb
from accounts.user_commands import UserCommand
from voice import removals

TURN = 1.0
# seconds between two looks at how far it is
PAUSE = 0.5
# seconds before the next where something runs that has to end first


class Command(UserCommand):
    examples = (*UserCommand.examples, "delete anna --yes")

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        delete = verb(self.verbs, "delete", self._delete, "delete an account with all that it stored; the ledger stays, without a name")
        delete.add_argument("name")
        delete.add_argument("--yes", action="store_true", help="without being asked")

    def _delete(self, *, name: str, yes: bool, **_options: Any) -> None:
        """What is interrupted a worker goes on with."""
        user = person(name)
        if not yes:
            _ask(name)
        removal = removals.begin(owner=user, by=None)
        self.note(Deed.CHANGED, [user], f"deleting the account and {removal.total} rows and files that it stored")
        with self.progress() as bars:
            bar = bars.add_task(plain(name), total=removal.total)
            while removal.state == RemovalState.UNDER_WAY:
                before = removal.removed
                removals.carry_on(removal.pk, longest=TURN)
                removal.refresh_from_db()
                bars.update(bar, completed=removal.removed)
                if removal.state == RemovalState.UNDER_WAY and removal.removed == before:
                    time.sleep(PAUSE)
        _refuse_stopped(removal, name)
        self.say(f"{name} is deleted, with {removal.total} rows and files.")


def _ask(name: str) -> None:
    if not sys.stdin.isatty():
        raise CommandError("Everything that the account has stored goes, for good. Nobody is here to be asked: use --yes.")
    if input(f"Everything that {plain(name)} has stored goes, for good. Type the name to go on: ") != name:
        raise CommandError("This is another name. Nothing was changed.")


def _refuse_stopped(removal: Removal, name: str) -> None:
    if removal.state == RemovalState.STOPPED:
        raise CommandError(f"{name} is blocked, and not deleted: {removal.problem}")
