from __future__ import annotations

import json
import logging
import sys
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from importlib import import_module
from typing import Any

from django.core.management.base import BaseCommand, handle_default_options
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from config.doctor.discretion import discreet, secrets
from config.doctor.findings import CHECKS, Finding, Level
from config.doctor.rounds import examine

EARLY = ("safety", "machine")
LATE = ("database", "redis_servers", "keeping", "work", "sound", "others")
# modules of checks; what the late ones import needs settings that can be read
FIRST = "settings"
STYLES = {Level.OK: "green", Level.WARNING: "yellow", Level.FAILURE: "bold red"}
MARGIN = 22
# characters before a message

Found = tuple[str, Finding]


class Command(BaseCommand):
    help = (
        "Look at everything that the service needs, and say what to do about what is not well. "
        "Exit status: 0 nothing has failed, 1 something has, 2 the command line can't be understood."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", dest="as_json", help="as JSON, for programs")
        parser.add_argument("--host", default="127.0.0.1", help="where `manage.py serve` is, or is to be; default 127.0.0.1")
        parser.add_argument("--port", type=int, default=8000, help="default 8000")

    def handle(self, *_args: Any, as_json: bool, host: str, port: int, verbosity: int, **_options: Any) -> None:
        before = logging.root.manager.disable
        logging.disable(before if verbosity > 1 else logging.CRITICAL)
        try:
            found = self._told(_findings(host, port), as_json=as_json)
        finally:
            logging.disable(before)
        numbers = Counter(finding.level for _, finding in found)
        if as_json:
            told = [{"check": noun, **asdict(finding)} for noun, finding in found]
            self.stdout.write(json.dumps({"well": not numbers[Level.FAILURE], "findings": told}, indent=2))
        else:
            self.stdout.write(f"Failures: {numbers[Level.FAILURE]}, warnings: {numbers[Level.WARNING]}, well: {numbers[Level.OK]}.")
        if numbers[Level.FAILURE]:
            sys.exit(1)

    def _told(self, findings: Iterator[Found], *, as_json: bool) -> list[Found]:
        """All of them, each shown as it comes."""
        console = Console(file=self.stdout)  # type: ignore[arg-type]  # Django's wrapper is a stream in all that matters here
        found = []
        for noun, finding in findings:
            found.append((noun, finding))
            if as_json:
                continue
            if console.is_terminal:
                _draw(console, noun, finding)
            else:
                self.stdout.write("\t".join(part for part in (finding.level.value, noun, finding.message, finding.advice) if part))
        return found


def main(arguments: Sequence[str]) -> int:
    """The command without Django's own start, which ends where the settings can't be read."""
    command = Command()
    options = command.create_parser(arguments[0], arguments[1]).parse_args(arguments[2:])
    handle_default_options(options)
    try:
        command.execute(**vars(options))
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def _findings(host: str, port: int) -> Iterator[Found]:
    for module in EARLY:
        import_module(f"config.doctor.{module}")
    first = [each for each in CHECKS if each.noun == FIRST]
    readable = True
    for noun, finding in examine(first):
        readable = readable and finding.level is not Level.FAILURE
        yield noun, discreet(finding, secrets())
    late: list[Any] = []
    if readable:
        for module in LATE:
            import_module(f"config.doctor.{module}")
        from config.doctor.door import door

        late = [door(host, port)]
    rest = [each for each in (*CHECKS, *late) if each.noun != FIRST and (readable or not each.needs)]
    known = secrets()
    for noun, finding in examine(rest):
        yield noun, discreet(finding, known)


def _draw(console: Console, noun: str, finding: Finding) -> None:
    head = Text.assemble((f"{finding.level.value:<9}", STYLES[finding.level]), (f"{noun:<{MARGIN - 9}}", "bold"))
    console.print(Text.assemble(head, finding.message), soft_wrap=True)
    if finding.advice:
        console.print(Padding(Text(finding.advice, style="italic"), (0, 0, 0, MARGIN)))
