"""What staff ask of one worker, and what it does about it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from config.errors import Refusal
from jobs.keeper import Keeper
from jobs.models import Errand, ErrandState, Verb, Worker
from tests.factories import make_worker

pytestmark = pytest.mark.django_db


def keeper_of(worker: Worker, run: Callable[[Errand], str] | None = None) -> Keeper:
    keeper = Keeper()
    keeper.name = worker.pk
    if run is not None:
        keeper.run_errand = run
    return keeper


def ask(worker: Worker, verb: Verb = Verb.LOAD) -> Errand:
    return Errand.objects.create(worker=worker, verb=verb, subject="duo")


def test_a_worker_does_what_it_is_asked_once_and_says_what_came_of_it():
    worker = make_worker()
    errand = ask(worker)
    done: list[str] = []
    keeper = keeper_of(worker, lambda errand: done.append(str(errand)) or "It is in memory.")  # type: ignore[func-returns-value]

    keeper.run_errands()
    keeper.run_errands()

    errand.refresh_from_db()
    assert done == ["load duo"]
    assert (errand.state, errand.told) == (ErrandState.DONE, "It is in memory.")
    assert errand.finished_at is not None


def test_what_is_asked_of_another_is_left_to_it():
    errand = ask(make_worker(id="another"))

    keeper_of(make_worker(), lambda _errand: "done").run_errands()

    errand.refresh_from_db()
    assert errand.state == ErrandState.ASKED


def refuse(_errand: Errand) -> str:
    raise Refusal("There is no such model.")


def fail(_errand: Errand) -> str:
    raise MemoryError("none left" * 100)


@pytest.mark.parametrize(("run", "told"), [(refuse, "There is no such model."), (fail, "none left"), (None, "can't load")])
def test_what_goes_wrong_is_told(run, told):
    worker = make_worker()
    errand = ask(worker)

    keeper_of(worker, run).run_errands()

    errand.refresh_from_db()
    assert errand.state == ErrandState.FAILED
    assert told in errand.told


def test_what_was_asked_goes_with_the_worker():
    worker = make_worker()
    ask(worker)

    worker.delete()

    assert not Errand.objects.exists()
