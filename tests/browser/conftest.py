"""One service for all that people do at the page."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

pytest.importorskip("playwright")

from playwright.sync_api import expect

from tests.browser.people import PATIENCE_MS
from tests.e2e.system import System, running

LOST = {"name": "lost", "url": "http://127.0.0.1:9/v1", "model": "m", "voices": [{"name": "nobody", "languages": ["en"]}]}
# an upstream where nobody answers: what it is to say fails
SIGN_INS = {"SIGN_IN_RATE": "1000/m", "ADDRESS_RATE": "1000/m"}
# many people from one address, in a minute
CLONES = "from voice.models import Model; Model.objects.create(name='clone', engine='tone', verbatim=True, clones=True, preference=1)"

expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """With a model that is said to speak like a sample, and an upstream that is away."""
    with running(tmp_path_factory.mktemp("service"), UPSTREAMS=json.dumps([LOST]), MAX_ATTEMPTS="1", **SIGN_INS) as system:
        system.shell(CLONES)
        yield system
