from __future__ import annotations

from typing import Any

import dramatiq
import pytest
from django.db import OperationalError, connection

from jobs.keeper import Keeper
from jobs.models import Worker
from tests.waiting import wait_until

pytestmark = pytest.mark.shapes("embedded", "deployed")


def away(*_: Any) -> None:
    raise OperationalError("the server closed the connection unexpectedly")


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_starts_while_the_database_is_away_keeps_its_leases_all_the_same():
    keeper, broker = Keeper(), dramatiq.get_broker()
    worker = dramatiq.Worker(broker, queues={"live"}, worker_threads=3)
    try:
        with connection.execute_wrapper(away):
            keeper.after_worker_boot(broker, worker)

        wait_until(Worker.objects.exists)
        told = Worker.objects.get()
        assert (told.threads, told.queues) == (3, ["live"])
        assert "leases" in [thread.name for thread in keeper._threads if thread.is_alive()]
    finally:
        keeper.after_worker_shutdown(broker, worker)
    assert not Worker.objects.exists()
