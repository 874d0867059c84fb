"""What staff ask of one worker, and what it does about it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from config.errors import Refusal
from jobs.keeper import Keeper
from jobs.models import Instruction, InstructionState, Verb, Worker
from tests.factories import make_worker

pytestmark = [pytest.mark.django_db, pytest.mark.shapes("embedded", "deployed")]


def keeper_of(worker: Worker, run: Callable[[Instruction], str] | None = None) -> Keeper:
    keeper = Keeper()
    keeper.name = worker.pk
    if run is not None:
        keeper.run_instruction = run
    return keeper


def ask(worker: Worker, verb: Verb = Verb.LOAD) -> Instruction:
    return Instruction.objects.create(worker=worker, verb=verb, subject="duo")


def test_a_worker_does_what_it_is_asked_once_and_says_what_came_of_it():
    worker = make_worker()
    instruction = ask(worker)
    done: list[str] = []
    keeper = keeper_of(worker, lambda instruction: done.append(str(instruction)) or "It is in memory.")  # type: ignore[func-returns-value]

    keeper.run_instructions()
    keeper.run_instructions()

    instruction.refresh_from_db()
    assert done == ["load duo"]
    assert (instruction.state, instruction.told) == (InstructionState.DONE, "It is in memory.")
    assert instruction.finished_at is not None


def test_what_is_asked_of_another_is_left_to_it():
    instruction = ask(make_worker(id="another"))

    keeper_of(make_worker(), lambda _instruction: "done").run_instructions()

    instruction.refresh_from_db()
    assert instruction.state == InstructionState.ASKED


def refuse(_instruction: Instruction) -> str:
    raise Refusal("There is no such model.")


def fail(_instruction: Instruction) -> str:
    raise MemoryError("none left" * 100)


@pytest.mark.parametrize(("run", "told"), [(refuse, "There is no such model."), (fail, "none left"), (None, "can't load")])
def test_what_goes_wrong_is_told(run, told):
    worker = make_worker()
    instruction = ask(worker)

    keeper_of(worker, run).run_instructions()

    instruction.refresh_from_db()
    assert instruction.state == InstructionState.FAILED
    assert told in instruction.told


def test_what_was_asked_goes_with_the_worker():
    worker = make_worker()
    ask(worker)

    worker.delete()

    assert not Instruction.objects.exists()
