from __future__ import annotations

import secrets
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import transaction

from accounts.models import Scope, User
from accounts.tokens import issue_key

USERNAME = "admin"
PASSWORD_BYTES = 15

WELCOME = """
Welcome. This is shown once; write it down.

  page       {address}/
  admin      {address}/admin/
  user       {username}
  password   {password}
  API key    {key}

Hear your own machine speak: sign in at the page, or

curl {address}/v1/audio/speech \\
  -H "Authorization: Bearer {key}" \\
  -H "Content-Type: application/json" \\
  -d '{{"model": "tts-1", "voice": "alloy", "input": "Hello from my own machine."}}' \\
  --output hello.mp3
"""


class Command(BaseCommand):
    help = "Make the first user and API key and show them, where there is no user yet."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=8000, help="of the address that it names, where TRUSTED_ORIGINS has none")

    def handle(self, *_args: Any, port: int, **_options: Any) -> None:
        if User.objects.exists():
            return
        password = secrets.token_urlsafe(PASSWORD_BYTES)
        with transaction.atomic():  # a user whose password nobody was shown would keep the next start silent
            user = User.objects.create_superuser(USERNAME, password=password)
            _, key = issue_key(owner=user, name="first key", scopes=list(Scope))
        # where browsers find it, which the operator of a service behind a proxy says
        known = (origin for origin in settings.CSRF_TRUSTED_ORIGINS if "*" not in origin)
        address = next(known, f"http://127.0.0.1:{port}")
        self.stdout.write(WELCOME.format(address=address, username=USERNAME, password=password, key=key))
