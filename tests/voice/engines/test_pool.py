from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from types import SimpleNamespace

import pytest

from tests.waiting import TIMEOUT_S, wait_until
from voice.engines import pool as pools
from voice.engines.base import EngineBusy, EngineFailed, ModelBroken, Source
from voice.engines.pool import Pool

SIZE = 100
# seconds: more than any of it takes


def source(name: str) -> Source:
    return Source(name, f"/models/{name}")


class Fake:
    """A Resident that knows whether it was closed."""

    size = SIZE

    def __init__(self, name: str) -> None:
        self.name = name
        self.closed = False

    def close(self) -> None:
        self.closed = True


class Shelf:
    """Loads fakes, and counts them. Loading waits for the gate."""

    def __init__(self) -> None:
        self.loads: Counter[str] = Counter()
        self.gate = threading.Event()
        self.gate.set()
        self.error: Exception | None = None

    def load(self, source: Source) -> Fake:
        self.loads[source.name] += 1
        assert self.gate.wait(TIMEOUT_S)
        if self.error is not None:
            raise self.error
        return Fake(source.name)

    def pool(self, *, room_for: int = 0, patience: float = TIMEOUT_S, idle: float = 0.0) -> Pool[Fake]:
        return Pool(self.load, weigh=lambda _: SIZE, budget=room_for * SIZE, patience=patience, idle=idle)


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


def use(pool: Pool[Fake], name: str) -> Fake:
    with pool.use(source(name)) as model:
        return model


def loaded(pool: Pool[Fake]) -> list[str]:
    return sorted(each.name for each in pool.report())


def gather(shelf: Shelf, task: Callable[[], Fake], threads: int = 16) -> list[Future[Fake]]:
    """Have so many threads at a task while loading takes its time, and let it end."""
    shelf.gate.clear()
    with ThreadPoolExecutor(threads) as executor:
        results = [executor.submit(task) for _ in range(threads)]
        time.sleep(0.2)
        shelf.gate.set()
    return results


def test_sixteen_threads_load_a_model_once(shelf: Shelf):
    pool = shelf.pool()

    models = [result.result() for result in gather(shelf, lambda: use(pool, "ana"))]

    assert len(set(map(id, models))) == 1
    assert shelf.loads == {"ana": 1}
    assert pool.report()[0].users == 0


def test_other_models_load_meanwhile(shelf: Shelf):
    both = threading.Barrier(2)

    def load(source: Source) -> Fake:
        both.wait(TIMEOUT_S)
        return shelf.load(source)

    pool = Pool(load, weigh=lambda _: SIZE, budget=0, patience=TIMEOUT_S, idle=0.0)

    with ThreadPoolExecutor(2) as executor:
        models = list(executor.map(lambda name: use(pool, name), ["ana", "bo"]))

    assert [model.name for model in models] == ["ana", "bo"]


def test_sixteen_waiters_see_one_failure_and_none_loads_again_for_a_while(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    pool = shelf.pool()
    shelf.error = OSError("no such file")

    failures = [result.exception() for result in gather(shelf, lambda: use(pool, "ana"))]

    assert all(isinstance(error, ModelBroken) and "no such file" in error.reason for error in failures)
    assert shelf.loads == {"ana": 1}
    assert len([record for record in caplog.records if record.levelname == "ERROR"]) == 1
    shelf.error = None
    with pytest.raises(ModelBroken, match="can't be loaded"):
        use(pool, "ana")
    monkeypatch.setattr(pools, "SORRY_FOR", 0.0)
    assert use(pool, "ana").name == "ana"


def test_the_reason_of_a_broken_model_is_kept_as_it_was_given(shelf: Shelf):
    pool = shelf.pool()
    shelf.error = ModelBroken("it has no config.json")

    with pytest.raises(ModelBroken) as first:
        use(pool, "ana")
    with pytest.raises(ModelBroken) as second:
        use(pool, "ana")

    assert first.value.reason == second.value.reason == "it has no config.json"


def test_a_transient_refusal_is_not_remembered(shelf: Shelf):
    pool = shelf.pool()
    shelf.error = EngineFailed()

    with pytest.raises(EngineFailed):
        use(pool, "ana")
    shelf.error = None

    assert use(pool, "ana").name == "ana"


def test_who_waits_for_a_load_that_takes_too_long_is_told_that_it_is_busy(shelf: Shelf):
    pool = shelf.pool(patience=0.05)
    shelf.gate.clear()
    with ThreadPoolExecutor(1) as executor:
        first = executor.submit(use, pool, "ana")
        wait_until(lambda: shelf.loads)

        with pytest.raises(EngineBusy):
            use(pool, "ana")

        shelf.gate.set()
        assert first.result(TIMEOUT_S).name == "ana"


def test_the_least_recently_used_makes_room(shelf: Shelf):
    pool = shelf.pool(room_for=2)
    ana, bo = use(pool, "ana"), use(pool, "bo")
    use(pool, "ana")

    use(pool, "cleo")

    assert loaded(pool) == ["ana", "cleo"]
    assert (ana.closed, bo.closed) == (False, True)


def test_one_in_use_never_makes_room(shelf: Shelf):
    pool = shelf.pool(room_for=2)
    with pool.use(source("ana")) as ana:
        use(pool, "bo")

        use(pool, "cleo")

        assert loaded(pool) == ["ana", "cleo"]
        assert not ana.closed


def test_it_waits_for_room_until_its_patience_ends(shelf: Shelf):
    pool = shelf.pool(room_for=1, patience=0.05)

    with pool.use(source("ana")), pytest.raises(EngineBusy):
        use(pool, "bo")

    assert use(pool, "bo").name == "bo"


def test_it_goes_on_as_soon_as_there_is_room(shelf: Shelf):
    pool = shelf.pool(room_for=1)
    with ThreadPoolExecutor(1) as executor:
        with pool.use(source("ana")) as ana:
            waiting = executor.submit(use, pool, "bo")
            time.sleep(0.05)
            assert not waiting.done()

        assert waiting.result(TIMEOUT_S / 2).name == "bo"
    assert ana.closed


def test_what_is_being_loaded_takes_room_too(shelf: Shelf):
    pool = shelf.pool(room_for=1, patience=0.05)
    shelf.gate.clear()
    with ThreadPoolExecutor(1) as executor:
        executor.submit(use, pool, "ana")
        wait_until(lambda: shelf.loads)

        with pytest.raises(EngineBusy):
            use(pool, "bo")

        shelf.gate.set()
    assert shelf.loads == {"ana": 1}


def test_a_model_that_is_larger_than_the_budget_is_loaded_alone(shelf: Shelf):
    pool = Pool(shelf.load, weigh=lambda _: SIZE, budget=SIZE // 2, patience=0.05, idle=0.0)

    assert use(pool, "ana").name == "ana"
    assert use(pool, "bo").name == "bo"
    assert loaded(pool) == ["bo"]


def test_what_was_idle_for_too_long_is_unloaded(shelf: Shelf, monkeypatch: pytest.MonkeyPatch):
    now = 1_000.0
    monkeypatch.setattr(pools, "time", SimpleNamespace(monotonic=lambda: now))
    pool = shelf.pool(idle=60.0)
    used, unused = use(pool, "ana"), use(pool, "bo")
    with pool.use(source("ana")):
        now += 61

        assert pool.sweep() == 1

    assert (used.closed, unused.closed) == (False, True)
    assert pool.sweep() == 0
    assert loaded(pool) == ["ana"]


def test_where_nothing_is_ever_idle_nothing_is_swept(shelf: Shelf):
    pool = shelf.pool(idle=0.0)
    use(pool, "ana")

    assert pool.sweep() == 0
    assert loaded(pool) == ["ana"]


def test_one_is_unloaded_by_name_but_not_while_it_is_used(shelf: Shelf):
    pool = shelf.pool()

    with pool.use(source("ana")) as ana:
        assert not pool.unload("ana")
        assert not ana.closed

    assert pool.unload("ana")
    assert ana.closed
    assert not pool.unload("ana")
    assert use(pool, "ana") is not ana


def test_clearing_unloads_all_that_nobody_uses(shelf: Shelf):
    pool = shelf.pool()
    with pool.use(source("ana")):
        use(pool, "bo")
        use(pool, "cleo")

        assert pool.clear() == 2

        assert loaded(pool) == ["ana"]


def test_the_report_counts_users_and_seconds_of_rest(shelf: Shelf):
    pool = shelf.pool()
    use(pool, "bo")
    with ExitStack() as stack:
        stack.enter_context(pool.use(source("ana")))
        stack.enter_context(pool.use(source("ana")))
        time.sleep(0.01)

        bo, ana = pool.report()

    assert (ana.name, ana.bytes, ana.users, ana.idle) == ("ana", SIZE, 2, 0.0)
    assert (bo.users, bo.idle > 0) == (0, True)


def test_an_error_of_who_uses_it_gives_it_back(shelf: Shelf):
    pool = shelf.pool()

    with pytest.raises(ZeroDivisionError), pool.use(source("ana")):
        raise ZeroDivisionError

    assert pool.report()[0].users == 0


def test_weighing_a_model_holds_nobody_up_and_is_done_once(shelf: Shelf):
    weighing, weighed = threading.Event(), Counter[str]()
    scales = threading.Event()

    def weigh(source: Source) -> int:
        weighed[source.name] += 1
        if source.name == "bo":
            weighing.set()
            assert scales.wait(TIMEOUT_S)
        return SIZE

    pool = Pool(shelf.load, weigh=weigh, budget=2 * SIZE, patience=TIMEOUT_S, idle=0.0)
    use(pool, "ana")
    with ThreadPoolExecutor(9) as executor:
        waiting = [executor.submit(use, pool, "bo") for _ in range(8)]
        assert weighing.wait(TIMEOUT_S)

        used = executor.submit(use, pool, "ana")
        try:
            assert used.result(5).name == "ana"
        finally:
            scales.set()

        assert {each.result(TIMEOUT_S).name for each in waiting} == {"bo"}
    assert weighed == {"ana": 1, "bo": 1}


def test_what_can_not_be_weighed_is_broken_and_nobody_elses_trouble(shelf: Shelf):
    def weigh(source: Source) -> int:
        if source.name == "bo" and shelf.loads["bo"] + shelf.loads["cleo"]:
            raise ModelBroken("its folder is gone")
        return SIZE

    pool = Pool(shelf.load, weigh=weigh, budget=2 * SIZE, patience=TIMEOUT_S, idle=0.0)
    shelf.gate.clear()
    with ThreadPoolExecutor(2) as executor:
        bo = executor.submit(use, pool, "bo")
        wait_until(lambda: shelf.loads["bo"])
        cleo = executor.submit(use, pool, "cleo")
        time.sleep(0.1)
        shelf.gate.set()

        assert (bo.result(TIMEOUT_S).name, cleo.result(TIMEOUT_S).name) == ("bo", "cleo")
    assert pool.unload("bo")
    for _ in range(2):
        with pytest.raises(ModelBroken):
            use(pool, "bo")


def test_it_is_empty_when_nothing_is_there_or_on_its_way(shelf: Shelf):
    pool = shelf.pool()
    assert pool.empty
    shelf.gate.clear()
    with ThreadPoolExecutor(1) as executor:
        loading = executor.submit(use, pool, "ana")
        wait_until(lambda: shelf.loads)

        assert not pool.empty

        shelf.gate.set()
        loading.result(TIMEOUT_S)
    assert not pool.empty
    pool.clear()
    assert pool.empty


def test_of_two_that_wait_for_room_one_has_it_when_there_is_some(shelf: Shelf):
    pool = shelf.pool(room_for=1)
    with ThreadPoolExecutor(2) as executor:
        with pool.use(source("ana")):
            waiting = [executor.submit(use, pool, name) for name in ("bo", "cleo")]
            time.sleep(0.1)

        assert [each.result(TIMEOUT_S).name for each in waiting] == ["bo", "cleo"]
