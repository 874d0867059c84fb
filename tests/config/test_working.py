from __future__ import annotations

import dramatiq
import pytest
from django.core.exceptions import ImproperlyConfigured

from accounts.runtime import runtime
from config.working import queues_here, start_worker
from jobs.models import Worker
from voice import catalogue

EVERYBODY = {"live", "batch"}
NEURAL = {"neural", "neural-batch"}


@pytest.mark.parametrize(
    ("wanted", "models", "taken"),
    [
        ((), True, EVERYBODY | NEURAL),
        ((), False, EVERYBODY),
        (("live",), True, {"live"}),
        (("live",), False, {"live"}),
        (("neural", "neural-batch"), True, NEURAL),
    ],
)
def test_a_worker_takes_what_it_can_or_what_its_operator_wants(settings, monkeypatch, wanted, models, taken):
    settings.WORKER_QUEUES = wanted
    monkeypatch.setattr(catalogue, "runs_models", lambda: models)

    assert queues_here() == taken


def test_a_queue_that_it_can_not_serve_stops_the_start(settings, monkeypatch):
    settings.WORKER_QUEUES = ("live", "neural")
    monkeypatch.setattr(catalogue, "runs_models", lambda: False)

    with pytest.raises(ImproperlyConfigured, match=r"WORKER_QUEUES: .*for neural: pip"):
        queues_here()


def test_a_worker_that_is_kept_for_live_speech_takes_nothing_else_and_says_so(transactional_db, settings, monkeypatch):
    settings.WORKER_QUEUES = ("live",)
    # what reads the settings that staff change lasts as long as its process
    monkeypatch.setattr(runtime, "start", lambda: None)
    broker = dramatiq.get_broker()
    before = list(broker.middleware)

    worker = start_worker()
    try:
        assert set(worker.consumers) == {"live", "live.DQ"}
        assert Worker.objects.get().queues == ["live"]
    finally:
        worker.stop()
        # a worker adds one for itself, and leaves it there
        broker.middleware = before
