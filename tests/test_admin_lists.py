"""Lists of the admin with many rows: what they ask the database for does not grow with them, and what is searched for has an index."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Override, Plan, Quota, Replay, User
from accounts.tokens import issue_key, sign_in
from jobs.models import Delivery, Output, Webhook
from tests.factories import PERIOD, make_live_session, make_output, make_sample, make_usage, make_voice, make_worker
from voice import registry
from voice.lexicons import make_lexicon
from voice.models import Consent, Lexicon, LiveSession, ModelAlias, VoiceAlias

pytestmark = pytest.mark.shapes("embedded", "deployed")

MORE = 2
LISTS = [model for model in admin.site._registry if model._meta.app_label in ("accounts", "jobs", "voice")]


def furnish(number: int) -> None:
    """A row of everything, of somebody of his own."""
    owner = User.objects.create_user(f"user{number}", plan=Plan.objects.create(name=f"plan{number}", characters=100))
    Override.objects.create(owner=owner, characters=7)
    Quota.objects.create(owner=owner, starts_at=PERIOD, ends_at=PERIOD.replace(month=2))
    Replay.objects.create(owner=owner, key=f"key{number}", fingerprint="0" * 64)
    key, _ = issue_key(owner=owner, name="key", scopes=[])
    sign_in(owner)
    output = make_output(owner, f"sound{number}".encode())
    make_usage(output.item, api_key=key)
    make_worker(id=f"worker{number}", loaded=[{"name": "model0", "bytes": 1, "users": 0, "idle": 1.0}], items=[output.item_id])
    voice = make_voice(name=f"stock{number}")
    registry.register(name=f"model{number}", location=f"/models/{number}")
    VoiceAlias.objects.create(name=f"voice{number}", voice=voice)
    ModelAlias.objects.create(name=f"alias{number}", model=voice.model)
    make_sample(make_voice(owner=owner, name="mine"), f"sample{number}".encode())
    make_lexicon(owner=owner, name="names", language="", entries=[])
    make_live_session(owner)
    webhook = Webhook.objects.create(owner=owner, url=f"https://receiver.example/{number}")
    Delivery.objects.create(owner=owner, webhook=webhook, job=output.job, event="job.completed", payload={})


def name_of(model: type[Model]) -> str:
    return f"{model._meta.app_label}_{model._meta.model_name}"


def statements(client: Client) -> dict[str, list[str]]:
    """What each list asks for."""
    asked = {}
    for model in LISTS:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(reverse(f"admin:{name_of(model)}_changelist")).status_code == 200
        asked[name_of(model)] = [query["sql"] for query in captured]
    return asked


def test_lists_ask_as_much_for_many_rows_as_for_one(desk):
    furnish(0)
    few = statements(desk)
    for number in range(1, 1 + MORE):
        furnish(number)
    many = statements(desk)

    assert {name: len(asked) for name, asked in many.items()} == {name: len(asked) for name, asked in few.items()}


def test_a_search_finds_a_whole_id_and_how_an_owners_name_begins(desk):
    for number in range(2):
        furnish(number)
    for model in (Output, Delivery, Webhook, Consent, LiveSession, Lexicon):
        address = reverse(f"admin:{name_of(model)}_changelist")
        row: Any = model.objects.order_by("pk").first()

        def found(term: str, address: str = address) -> list[str]:
            return [each.pk for each in desk.get(address, {"q": term}).context["cl"].result_list]

        assert found(row.pk) == [row.pk]
        assert found(row.owner.username.upper()) == [row.pk]
        assert len(found("user")) == 2
        assert found("nobody") == []
