"""Registered models: what is written down of them, and what keeps one from being used."""

from __future__ import annotations

from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any, cast

import pytest
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from config.errors import Refusal
from jobs import departure
from jobs.departure import Reason
from tests.factories import make_voice
from voice import actors, catalogue, registry
from voice.engines.base import DeviceLost, EngineBusy, ModelBroken, Pcm, Utterance
from voice.engines.coqui import Coqui
from voice.engines.coqui.zoo import Description
from voice.models import Model, Voice

pytestmark = [pytest.mark.django_db, pytest.mark.shapes("embedded", "deployed")]


class Told:
    """A Coqui whose models are as it is told, and whose every sentence fails as it is told."""

    def __init__(self, *speakers: str, error: Exception | None = None) -> None:
        self.speakers = speakers
        self.error = error

    def describe(self, _location: str) -> Description:
        return Description(
            kind="vits",
            folder=Path(),
            rate=22_050,
            languages=("en",),
            speakers=self.speakers,
            clones=False,
            converts=False,
            bytes=1,
            licence="",
        )

    def synthesize(self, _utterance: Utterance) -> Generator[Pcm, None, None]:
        if self.error is not None:
            raise self.error
        yield from ()


def told(*speakers: str, error: Exception | None = None) -> Coqui:
    return cast(Coqui, Told(*speakers, error=error))


def registered(name: str = "duo") -> Model:
    return registry.register(name=name, location=f"/models/{name}")


def test_its_voices_are_written_once_and_not_again():
    model, engine = registered(), told("ann", "bob")
    assert registry.examine(model, engine)

    with CaptureQueriesContext(connection) as sent:
        assert registry.examine(model, engine)

    assert sorted(model.voices.values_list("name", flat=True)) == ["duo/ann", "duo/bob"]
    assert not [each for each in sent.captured_queries if "voice_voice" in each["sql"] and not each["sql"].startswith("SELECT")]


def test_what_its_files_say_anew_is_taken_over_and_what_staff_said_stays():
    model = registered()
    registry.examine(model, told("ann"))
    Voice.objects.filter(name="duo/ann").update(languages=["de"], gender="female")

    registry.examine(model, told("ann", "cleo"))

    ann = Voice.objects.get(name="duo/ann")
    assert (ann.languages, ann.gender) == (["en"], "female")
    assert Voice.objects.filter(name="duo/cleo", model=model).exists()


@pytest.mark.parametrize(("name", "problem"), [("anna", "another model"), ("x" * 98, "more than 100 characters")])
def test_it_takes_no_other_models_voice_and_no_name_that_is_too_long(name: str, problem: str):
    voice = make_voice(name="anna")
    model = registered(name)

    assert not registry.examine(model, told() if name == "anna" else told("bob"))

    assert problem in model.problem
    assert Voice.objects.get() == voice
    assert Voice.objects.get().model.name == "flite"


@pytest.mark.parametrize(("error", "noted"), [(KeyError("no such speaker"), "no such speaker"), (EngineBusy(), "busy"), (DeviceLost(), "")])
def test_whatever_a_trial_meets_is_noted_unless_it_is_the_devices_fault(error: Exception, noted: str):
    model, engine = registered(), told("ann", error=error)
    registry.examine(model, engine)

    with pytest.raises(Refusal) as refusal:
        registry.trial(model, engine)

    assert noted in model.problem
    assert bool(noted) == bool(model.problem)
    assert isinstance(refusal.value, ModelBroken | EngineBusy | DeviceLost)


def test_a_check_that_finds_the_device_lost_lets_the_worker_go(monkeypatch: pytest.MonkeyPatch):
    registered()
    monkeypatch.setattr(catalogue, "models", lambda: told("ann", error=DeviceLost()))

    actors.check_model.fn("duo")

    assert departure.wait(0) == Reason.DEVICE_LOST


@pytest.mark.django_db(transaction=True)
@pytest.mark.shapes("deployed")  # SQLite lets one write at a time
def test_a_voice_that_is_made_while_its_model_is_forgotten_is_refused_and_not_swept_away(alice):
    model = registered()
    with ThreadPoolExecutor(1) as threads:
        making: list[Future[None]] = []

        def meanwhile(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
            result = execute(sql, *rest)
            if "voice_voice" in sql and not making:
                # looked for already, when this one comes
                making.append(threads.submit(make_voice_in_time, alice))
                wait(making, 1)
            return result

        with connection.execute_wrapper(meanwhile):
            registry.forget(model)

        with pytest.raises(IntegrityError):
            making[0].result()


def make_voice_in_time(owner: User) -> None:
    try:
        make_voice(owner=owner, model="duo")
    finally:
        connection.close()
