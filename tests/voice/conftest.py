from __future__ import annotations

import pytest

from tests.factories import make_worker
from voice.catalogue import synchronise


@pytest.fixture
def catalogue(db: None) -> None:
    """The rows that a worker writes when it starts, and the worker."""
    synchronise()
    make_worker()
