from __future__ import annotations

import secrets
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction

from accounts.models import Scope, User
from accounts.tokens import issue_key

USERNAME = "admin"
PASSWORD_BYTES = 15

WELCOME = """
Welcome. This is shown once; write it down.

  page       http://127.0.0.1:{port}/
  admin      http://127.0.0.1:{port}/admin/
  user       {username}
  password   {password}
  API key    {key}

Hear your own machine speak: sign in at the page, or

curl http://127.0.0.1:{port}/v1/audio/speech \\
  -H "Authorization: Bearer {key}" \\
  -H "Content-Type: application/json" \\
  -d '{{"model": "tts-1", "voice": "alloy", "input": "Hello from my own machine."}}' \\
  --output hello.mp3
"""


class Command(BaseCommand):
    help = "Make the first user and API key and show them, where there is no user yet."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=8000, help="the port that the curl to paste names")

    def handle(self, *_args: Any, port: int, **_options: Any) -> None:
        if User.objects.exists():
            return
        password = secrets.token_urlsafe(PASSWORD_BYTES)
        with transaction.atomic():  # a user whose password nobody was shown would keep the next start silent
            user = User.objects.create_superuser(USERNAME, password=password)
            _, key = issue_key(owner=user, name="first key", scopes=list(Scope))
        self.stdout.write(WELCOME.format(port=port, username=USERNAME, password=password, key=key))
