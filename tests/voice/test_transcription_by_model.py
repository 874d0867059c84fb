"""A Whisper that the operator registers: what its row says, and what it transcribes and translates on a worker that can run models."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dramatiq
import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from accounts.models import Usage
from jobs.models import Item, Worker
from tests.factories import make_worker
from tests.voice.ears.whispers import make_whisper
from tests.voice.test_transcriptions import SOUND, TRANSLATIONS, heard, post
from voice.catalogue import synchronise
from voice.models import Model, ModelAlias


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_whisper(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def neural_worker(transactional_db: None) -> Iterator[None]:
    """A worker of the queues that need models."""
    synchronise()
    make_worker()
    broker = dramatiq.get_broker()
    before = list(broker.middleware)
    worker = dramatiq.Worker(broker, queues={"neural", "neural-batch"}, worker_threads=1, worker_timeout=50)
    worker.start()
    yield
    worker.stop()
    broker.middleware = before


def test_a_registered_model_is_offered_with_what_it_understands(alice, client_of, folder, capsys, db):
    call_command("models", "add", "tiny", str(folder), "--engine", "whisper", "--licence", "MIT")
    call_command("models", "check", "tiny")

    shown = client_of(alice).get("/v1/models/tiny").json()
    assert (shown["task"], shown["licence"], shown["translates"]) == ("transcription", "MIT", True)
    assert {"en", "de", "uk"} <= set(shown["languages"])
    told = capsys.readouterr().out
    assert "99 languages" in told
    assert "tiny: loaded" in told


def test_a_model_that_is_not_there_is_noted_and_says_how_to_get_it(tmp_path, capsys, db):
    call_command("models", "add", "gone", str(tmp_path), "--engine", "whisper")
    with pytest.raises(CommandError, match="1 of 1"):
        call_command("models", "check")

    assert "model.bin" in Model.objects.get(pk="gone").problem
    assert "models pull" in capsys.readouterr().out


def test_staff_register_one_in_the_admin(desk, folder):
    form = {"name": "tiny", "engine": "whisper", "location": str(folder), "preference": 5, "enabled": "on"}

    answer = desk.post(reverse("admin:voice_model_add"), form)

    assert answer.status_code == 302, answer.content
    assert (Model.objects.get(pk="tiny").engine, Model.objects.get(pk="tiny").task) == ("whisper", "transcription")


@pytest.mark.django_db(transaction=True)
def test_it_transcribes_and_translates_on_a_worker_that_runs_models(alice, client_of, folder, neural_worker):
    call_command("models", "add", "tiny", str(folder), "--engine", "whisper")
    ModelAlias.objects.filter(pk="whisper-1").update(model="tiny")

    said = heard(post(client_of(alice), language="de", prompt="Grüß Gott."))
    verbose = post(client_of(alice), address=TRANSLATIONS, response_format="verbose_json").json()

    assert said == {"Guten", "Tag"}
    assert (verbose["text"], verbose["language"], verbose["task"]) == ("Good day", "english", "translate")
    assert {item.actor for item in Item.objects.all()} == {"transcribe_by_model"}
    assert {usage.model for usage in Usage.objects.all()} == {"tiny"}


def test_without_a_worker_that_runs_models_it_is_said_at_once(alice, client_of, folder, catalogue):
    call_command("models", "add", "tiny", str(folder), "--engine", "whisper")
    Worker.objects.update(queues=["live", "batch"])

    response = post(client_of(alice), SOUND, model="tiny")

    assert (response.status_code, response.json()["error"]["code"]) == (503, "overloaded")
