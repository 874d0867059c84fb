from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.waiting import TIMEOUT_S
from voice.engines.base import DeviceLost
from voice.engines.batch import Batcher, OutOfMemory

# seconds: more than any of it takes


class Machine:
    """Runs batches of numbers, of which each is answered by its double; waits before the first until the gate is opened."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.gate = threading.Event()
        self.started = threading.Event()
        self.fail: Callable[[Sequence[int]], None] = lambda batch: None

    def run(self, batch: Sequence[int]) -> list[int]:
        self.batches.append(list(batch))
        self.started.set()
        assert self.gate.wait(TIMEOUT_S)
        self.fail(batch)
        return [2 * number for number in batch]


class Crowd:
    """A batcher, and threads that submit to it."""

    def __init__(self, machine: Machine, *, most: int = 16, largest: int = 1_000_000, window: float = 0.0) -> None:
        self.machine = machine
        self.batcher = Batcher[int, int](
            machine.run, measure=lambda number: number, window=window, most=most, largest=largest, name="numbers"
        )
        self._threads = ThreadPoolExecutor(32)

    def ask(self, number: int, *, urgent: bool = False) -> Future[int]:
        """Submit, and return when it waits or is being run."""
        before = len(self.batcher._waiting) + len(self.machine.batches)
        result = self._threads.submit(self.batcher.submit, number, urgent=urgent)
        for _ in range(round(TIMEOUT_S * 1_000)):
            if result.done() or len(self.batcher._waiting) + len(self.machine.batches) > before:
                return result
            threading.Event().wait(0.001)
        raise AssertionError("nothing was submitted")

    def occupy(self) -> Future[int]:
        """Have the machine run the first number, so that what comes next waits."""
        result = self.ask(1)
        assert self.machine.started.wait(TIMEOUT_S)
        return result

    def end(self) -> None:
        self.machine.gate.set()
        self.batcher.close()
        self._threads.shutdown()


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def crowd(machine: Machine) -> Iterator[Crowd]:
    made = Crowd(machine)
    yield made
    made.end()


@pytest.fixture
def crowd_of(machine: Machine) -> Iterator[Callable[..., Crowd]]:
    made: list[Crowd] = []

    def make(**limits: int | float) -> Crowd:
        made.append(Crowd(machine, **limits))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for each in made:
        each.end()


def test_what_waits_together_runs_together_and_each_gets_its_own(crowd: Crowd, machine: Machine):
    crowd.occupy()
    results = {number: crowd.ask(number) for number in (5, 3, 4)}

    machine.gate.set()

    assert {number: result.result(TIMEOUT_S) for number, result in results.items()} == {5: 10, 3: 6, 4: 8}
    assert machine.batches == [[1], [5, 3, 4]]


def test_the_first_waits_for_company(machine: Machine, crowd_of: Callable[..., Crowd]):
    crowd = crowd_of(window=TIMEOUT_S, most=2)
    machine.gate.set()

    results = [crowd.ask(7), crowd.ask(8)]

    assert [result.result(TIMEOUT_S / 2) for result in results] == [14, 16]
    assert machine.batches == [[7, 8]]


def test_who_finds_no_company_runs_alone(machine: Machine, crowd_of: Callable[..., Crowd]):
    crowd = crowd_of(window=0.01)
    machine.gate.set()

    assert crowd.ask(7).result(TIMEOUT_S) == 14


def test_the_urgent_go_first(machine: Machine, crowd_of: Callable[..., Crowd]):
    crowd = crowd_of(most=2)
    crowd.occupy()
    results = [crowd.ask(2), crowd.ask(3), crowd.ask(4, urgent=True), crowd.ask(5), crowd.ask(6, urgent=True)]

    machine.gate.set()
    [result.result(TIMEOUT_S) for result in results]

    assert machine.batches == [[1], [4, 6], [2, 3], [5]]


def test_no_more_than_the_most_run_together(machine: Machine, crowd_of: Callable[..., Crowd]):
    crowd = crowd_of(most=3)
    crowd.occupy()
    results = [crowd.ask(number) for number in range(10, 17)]

    machine.gate.set()
    [result.result(TIMEOUT_S) for result in results]

    assert machine.batches == [[1], [10, 11, 12], [13, 14, 15], [16]]


def test_with_what_pads_them_they_are_no_larger_than_the_largest(machine: Machine, crowd_of: Callable[..., Crowd]):
    crowd = crowd_of(largest=100)
    crowd.occupy()
    results = [crowd.ask(number) for number in (20, 50, 30, 21, 10)]

    machine.gate.set()
    [result.result(TIMEOUT_S) for result in results]

    assert machine.batches == [[1], [20, 50], [30, 21, 10]]


def test_one_that_is_larger_than_the_largest_runs_alone(machine: Machine, crowd_of: Callable[..., Crowd]):
    crowd = crowd_of(largest=100)
    crowd.occupy()
    results = [crowd.ask(number) for number in (500, 50)]

    machine.gate.set()

    assert [result.result(TIMEOUT_S) for result in results] == [1_000, 100]
    assert machine.batches == [[1], [500], [50]]


def test_a_poisonous_one_fails_alone(crowd: Crowd, machine: Machine):
    def poisoned(batch: Sequence[int]) -> None:
        if 13 in batch:
            raise ValueError("thirteen")

    machine.fail = poisoned
    crowd.occupy()
    good, bad, other = crowd.ask(12), crowd.ask(13), crowd.ask(14)

    machine.gate.set()

    assert (good.result(TIMEOUT_S), other.result(TIMEOUT_S)) == (24, 28)
    with pytest.raises(ValueError, match="thirteen"):
        bad.result(TIMEOUT_S)
    assert crowd.ask(15).result(TIMEOUT_S) == 30


def test_what_a_failed_batch_had_made_is_gone_when_it_is_run_singly(crowd: Crowd, machine: Machine):
    made: list[weakref.ref[Machine]] = []
    held: list[bool] = []

    def fails_together(batch: Sequence[int]) -> None:
        held.append(any(each() is not None for each in made))
        if len(batch) > 1:
            activations = Machine()
            made.append(weakref.ref(activations))
            raise ValueError

    machine.fail = fails_together
    crowd.occupy()
    results = [crowd.ask(number) for number in (5, 6)]

    machine.gate.set()

    assert [result.result(TIMEOUT_S) for result in results] == [10, 12]
    assert held == [False, False, False, False]


@pytest.mark.parametrize("error", [TimeoutError("of the device"), StopIteration("odd")])
def test_whatever_it_raised_is_raised_to_who_waits(crowd: Crowd, machine: Machine, error: Exception):
    def broken(batch: Sequence[int]) -> None:
        raise error

    machine.fail = broken
    machine.gate.set()

    assert crowd.ask(3).exception(TIMEOUT_S) is error


def test_too_large_a_batch_is_halved(crowd: Crowd, machine: Machine):
    def small(batch: Sequence[int]) -> None:
        if len(batch) > 2:
            raise OutOfMemory

    machine.fail = small
    crowd.occupy()
    results = [crowd.ask(number) for number in (10, 11, 12, 13, 14)]

    machine.gate.set()

    assert [result.result(TIMEOUT_S) for result in results] == [20, 22, 24, 26, 28]
    assert machine.batches[1:] == [[10, 11, 12, 13, 14], [10, 11], [12, 13, 14], [12], [13, 14]]


def test_one_that_has_no_room_alone_is_told_so(crowd: Crowd, machine: Machine):
    def no_room_for_eleven(batch: Sequence[int]) -> None:
        if 11 in batch:
            raise OutOfMemory

    machine.fail = no_room_for_eleven
    crowd.occupy()
    fits, does_not = crowd.ask(10), crowd.ask(11)

    machine.gate.set()

    assert fits.result(TIMEOUT_S) == 20
    assert isinstance(does_not.exception(TIMEOUT_S), OutOfMemory)


def test_a_lost_device_fails_all_and_nothing_runs_again(crowd: Crowd, machine: Machine):
    def lost(batch: Sequence[int]) -> None:
        raise DeviceLost

    machine.fail = lost
    running = crowd.occupy()
    waiting = [crowd.ask(number) for number in (2, 3, 4)]

    machine.gate.set()

    assert all(isinstance(result.exception(TIMEOUT_S), DeviceLost) for result in [running, *waiting])
    assert isinstance(crowd.ask(5).exception(TIMEOUT_S), DeviceLost)
    assert machine.batches == [[1]]


def test_a_device_that_is_lost_while_a_batch_is_run_singly_ends_that_too(crowd: Crowd, machine: Machine):
    def first_odd_then_lost(batch: Sequence[int]) -> None:
        if len(batch) > 1:
            raise ValueError
        if batch[0] > 1:
            raise DeviceLost

    machine.fail = first_odd_then_lost
    crowd.occupy()
    results = [crowd.ask(number) for number in (2, 3, 4)]

    machine.gate.set()

    assert all(isinstance(result.exception(TIMEOUT_S), DeviceLost) for result in results)
    assert machine.batches == [[1], [2, 3, 4], [2]]


def test_it_ends_after_what_waits(machine: Machine):
    crowd = Crowd(machine, most=1)
    crowd.occupy()
    results = [crowd.ask(2), crowd.ask(3)]

    machine.gate.set()
    crowd.end()

    assert [result.result(0) for result in results] == [4, 6]
    assert not crowd.batcher._thread.is_alive()
