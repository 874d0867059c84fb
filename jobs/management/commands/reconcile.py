from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Hold against each other what is counted, kept and written down: audit_usage and storage_check. Exit 1 where they differ."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--hash", action="store_true", help="read every file and compare its SHA-256 too")

    def handle(self, *_args: Any, hash: bool, **_options: Any) -> None:  # noqa: A002  -- the option's name
        right = [self._finds_nothing("audit_usage"), self._finds_nothing("storage_check", hash=hash)]
        if not all(right):
            sys.exit(1)

    def _finds_nothing(self, command: str, **options: Any) -> bool:
        try:
            call_command(command, stdout=self.stdout, **options)
        except SystemExit:
            return False
        return True
