"""Models on the desk: where each is in memory, and asking a worker to load it or to let go of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse

from accounts.models import User
from jobs.models import Instruction, Verb, Worker
from tests.factories import make_voice, make_worker
from voice import catalogue, registry
from voice.errors import ModelNotFound
from voice.models import Model


@pytest.fixture
def duo(db: None) -> Model:
    return registry.register(name="duo", location="/models/duo", licence="MIT")


def page_of(desk: Client, model: Model) -> str:
    return desk.get(reverse("admin:voice_model_change", args=[model.pk])).content.decode()


def send(desk: Client, model: Model, worker: Worker, verb: str) -> str:
    address = reverse("admin:voice_model_instruction", args=[model.pk])
    return desk.post(address, {"worker": worker.pk, "verb": verb}, follow=True).content.decode()


def test_the_page_of_a_model_tells_where_it_is_in_memory(desk, duo):
    make_worker(id="full", loaded=[{"name": "duo", "bytes": 5 << 20, "users": 0, "idle": 65.0}])
    make_worker(id="empty")
    make_worker(id="without models", queues=["live", "batch"])
    make_worker(id="gone")
    Worker.objects.filter(pk="gone").update(seen_at=Now() - timedelta(minutes=1))

    page = page_of(desk, duo)

    assert "in memory, 5.0\xa0MB, idle for 1 min 5 s" in page
    assert "not in memory" in page
    assert "without models" not in page
    assert "gone" not in page
    assert "MIT" in page


def test_a_worker_is_asked_to_load_it_and_that_is_written_down(desk, duo):
    worker = make_worker()

    told = send(desk, duo, worker, "load")

    instruction = Instruction.objects.get()
    assert (instruction.worker, instruction.verb, instruction.subject) == (worker, Verb.LOAD, "duo")
    assert "was asked to load it" in told
    assert LogEntry.objects.get().change_message == "asked test-worker to load it"
    assert "<button" not in page_of(desk, duo).partition('id="workers"')[2].partition("</section>")[0]


def test_that_it_is_tried_is_written_down(desk, duo):
    desk.post(reverse("admin:voice_model_do", args=[duo.pk, "try_one"]))

    assert LogEntry.objects.get().change_message == "to be tried on a worker"


@pytest.mark.parametrize("verb", ["", "delete"])
def test_nothing_else_is_asked_of_a_worker(desk, duo, verb):
    send(desk, duo, make_worker(), verb)

    assert not Instruction.objects.exists()


def test_an_engine_is_not_loaded_and_a_worker_that_is_gone_not_asked(desk, duo):
    flite = make_voice().model
    worker = make_worker()
    assert desk.post(reverse("admin:voice_model_instruction", args=[flite.pk]), {"worker": worker.pk, "verb": "load"}).status_code == 404

    Worker.objects.update(seen_at=Now() - timedelta(minutes=1))
    told = send(desk, duo, worker, "load")

    assert "is gone" in told
    assert not Instruction.objects.exists()


def test_who_may_not_change_models_asks_nothing(duo):
    client = Client()
    client.force_login(User.objects.create_user("viewer", is_staff=True))

    response = client.post(reverse("admin:voice_model_instruction", args=[duo.pk]), {"worker": make_worker().pk, "verb": "load"})

    assert response.status_code == 403


def test_the_list_tells_the_problem_and_who_holds_what(desk, duo):
    make_worker(loaded=[{"name": "duo", "bytes": 1, "users": 1, "idle": 0.0}])
    Model.objects.update(problem="There is no config.json.")

    page = desk.get(reverse("admin:voice_model_changelist")).content.decode()

    assert "There is no config.json." in page
    assert reverse("admin:jobs_worker_change", args=["test-worker"]) in page


def test_a_model_that_is_not_there_is_told_to_whoever_asked_for_it(db):
    with pytest.raises(ModelNotFound):
        catalogue.run_instruction(Instruction(verb=Verb.LOAD, subject="none"))
