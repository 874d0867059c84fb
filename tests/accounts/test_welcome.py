from __future__ import annotations

import re

from django.contrib.auth import authenticate
from django.core.management import call_command
from rest_framework.test import APIClient

from accounts.models import User


def test_the_first_start_makes_a_user_and_a_key_and_says_so_once(db, capsys):
    call_command("welcome", "--port", "1234")
    told = capsys.readouterr().out
    call_command("welcome")

    key = re.search(r"Bearer ([\w.-]+)", told)
    password = re.search(r"password\s+(\S+)", told)
    assert key is not None
    assert password is not None
    assert "http://127.0.0.1:1234/v1/audio/speech" in told
    assert authenticate(username="admin", password=password[1]) == User.objects.get()
    assert APIClient(HTTP_AUTHORIZATION=f"Bearer {key[1]}").get("/v1/outputs").status_code == 200
    assert capsys.readouterr().out == ""


def test_behind_a_proxy_it_names_the_address_that_browsers_use(db, manage, settings):
    settings.CSRF_TRUSTED_ORIGINS = ["https://*.example.org", "https://voice.example.org"]

    told = manage("welcome")

    assert "https://voice.example.org/v1/audio/speech" in told
    assert "127.0.0.1" not in told
