from __future__ import annotations

from collections.abc import Iterator

import dramatiq
import pytest

from tests.factories import make_worker
from voice.catalogue import synchronise


@pytest.fixture
def catalogue(db: None) -> None:
    """The rows that a worker writes when it starts, and the worker."""
    synchronise()
    make_worker()


@pytest.fixture
def worker(transactional_db: None) -> Iterator[dramatiq.Worker]:
    """A worker beside the test, that does what there is to do."""
    synchronise()
    broker = dramatiq.get_broker()
    before = list(broker.middleware)
    worker = dramatiq.Worker(broker, queues={"live", "batch"}, worker_threads=2, worker_timeout=50)
    worker.start()
    yield worker
    worker.stop()
    # a worker adds one for itself, and leaves it there
    broker.middleware = before
