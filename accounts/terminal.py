"""What the commands have in common: verbs, tables for people, plain lines and JSON for programs, and errors in one line.

Exit status: 0 done, 1 it could not be done, 2 the command line can't be understood, 130 interrupted.
"""

from __future__ import annotations

import json
import logging
import os
import pwd
import sys
from argparse import ArgumentParser, ArgumentTypeError, RawDescriptionHelpFormatter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, DjangoHelpFormatter
from django.db import DatabaseError
from django.db.models import Model
from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Column, Table
from rich.text import Text

from accounts.audit import note_deed
from accounts.models import Deed, User
from config.errors import Refusal

INTERRUPTED = 130
# as shells say that SIGINT ended a program
LARGEST = 1_000_000
# number that a command line takes
STATUSES = "Exit status: 0 done, 1 it could not be done, 2 the command line can't be understood, 130 interrupted."

Row = dict[str, Any]


class _Layout(DjangoHelpFormatter, RawDescriptionHelpFormatter):
    """Django's, which puts what all commands share last, with the examples as they were written."""


class TerminalCommand(BaseCommand):
    """A command for people and for scripts. Its logs are silent unless it is asked for with `-v 2`: what matters is said once."""

    examples: Sequence[str] = ()
    # without `manage.py`
    requires_system_checks = []

    def create_parser(self, prog_name: str, subcommand: str, **options: Any) -> Any:
        lines = ["examples:", *(f"  manage.py {subcommand} {example}" for example in self.examples), "", STATUSES]
        return super().create_parser(prog_name, subcommand, formatter_class=_Layout, epilog="\n".join(lines), **options)

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            with _quiet(options["verbosity"]):
                return super().execute(*args, **options)
        except Refusal as refusal:
            raise CommandError(refusal.reason) from None
        except DatabaseError as error:
            first = next(iter(str(error).splitlines()), type(error).__name__)
            raise CommandError(f"The database: {first}. `manage.py doctor` says what to do.") from None
        except BrokenPipeError:
            # whoever read has what he wanted; the interpreter flushes once more when it ends
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(1)
        except KeyboardInterrupt:
            raise CommandError("Interrupted.", returncode=INTERRUPTED) from None

    def note(self, deed: Deed, rows: Iterable[Model], detail: str = "") -> None:
        """Into the audit log, as what staff do in the admin is: who did it is who the operating system says."""
        note_deed(deed, rows, who_name=_account(), detail=f"{detail} (manage.py)".strip())

    def say(self, line: str) -> None:
        self.stdout.write(plain(line))

    def tell(self, row: Row, *, as_json: bool) -> None:
        """One thing: each of its fields a line."""
        if as_json:
            self._json(row)
            return
        fields = {name.replace("_", " "): cell(value) for name, value in row.items()}
        if not self.stdout.isatty():
            for name, value in fields.items():
                self.stdout.write(f"{name}\t{value}")
            return
        table = Table(box=None, show_header=False)
        table.add_column(style="bold")
        table.add_column(overflow="fold")
        for name, value in fields.items():
            table.add_row(name, Text(value))
        _console(self.stdout).print(table)

    def show(self, rows: Iterable[Row], *, columns: Sequence[str], as_json: bool) -> None:
        """Many: a table for a person, a line with tabs for a program. JSON has all that the rows hold, not the columns alone."""
        if as_json:
            self._json(list(rows))
            return
        if not self.stdout.isatty():
            for row in rows:
                self.stdout.write("\t".join(cell(row[name]) for name in columns))
            return
        cells = [[cell(row[name]) for name in columns] for row in rows]
        if not cells:
            self.stdout.write("There are none.")
            return
        # what nobody has takes no room
        told = [place for place in range(len(columns)) if any(line[place] for line in cells)]
        table = Table(*(Column(columns[place].replace("_", " "), overflow="fold") for place in told), box=box.SIMPLE_HEAD)
        for line in cells:
            table.add_row(*(Text(line[place]) for place in told))
        _console(self.stdout).print(table)

    def progress(self, *, count: bool = True) -> Progress:
        """A bar beside the output, so that a pipe stays clean; nothing where nobody looks at it. `count`: what is counted is told too."""
        counted: list[ProgressColumn] = [MofNCompleteColumn()] if count else []
        moments = [TimeElapsedColumn(), TimeRemainingColumn()]
        columns = [TextColumn("{task.description}", markup=False), BarColumn(), *counted, *moments]
        console = _console(self.stderr)
        return Progress(*columns, console=console, disable=not console.is_terminal, transient=True)

    def _json(self, value: Any) -> None:
        self.stdout.write(json.dumps(value, indent=2, default=_told))


class VerbCommand(TerminalCommand):
    """A command of a noun, with a method for each verb. Every listing takes `--json`."""

    def handle(self, *_args: Any, act: Callable[..., None], **options: Any) -> None:
        act(**options)


def verb(verbs: Any, name: str, act: Callable[..., None], purpose: str) -> ArgumentParser:
    """A verb of a command, done by `act`."""
    parser: ArgumentParser = verbs.add_parser(name, help=purpose, description=purpose[0].upper() + purpose[1:] + ".")
    parser.set_defaults(act=act)
    return parser


def listing(verbs: Any, name: str, act: Callable[..., None], purpose: str) -> ArgumentParser:
    """A verb that tells something, also to a program."""
    parser = verb(verbs, name, act, purpose)
    parser.add_argument("--json", action="store_true", dest="as_json", help="as JSON, for programs")
    return parser


def number(text: str) -> int:
    """What a command line takes for a number of things."""
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= LARGEST):
        raise ArgumentTypeError(f"expected a number from 1 to {LARGEST}")
    return int(text)


def person(name: str) -> User:
    found = User.objects.select_related("plan").filter(username=name).first()
    if found is None:
        raise CommandError(f"There is no user '{plain(name)}'. `manage.py users list` shows those that there are.")
    return found


def plain(text: str) -> str:
    """Without what a terminal would obey: names and errors may come from anybody."""
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)


def cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case datetime():
            return _told(value)
        case list() | tuple():
            return ", ".join(cell(each) for each in value)
        case dict():
            return ", ".join(f"{name} {cell(each)}" for name, each in value.items())
    return plain(str(value))


def _account() -> str:
    """The name of whoever runs this; his number where he has none, as in a container."""
    number = os.getuid()
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _console(stream: Any) -> Console:
    """Django's wrapper is a stream in all that matters here."""
    return Console(file=stream)


def _told(value: Any) -> str:
    """RFC 3339 in UTC, to the second; anything else as text."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return str(value)


@contextmanager
def _quiet(verbosity: int) -> Iterator[None]:
    before = logging.root.manager.disable
    logging.disable(before if verbosity > 1 else logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)
