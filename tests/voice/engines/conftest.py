from __future__ import annotations

import pytest

from voice.engines.espeak import Espeak
from voice.engines.flite import Flite


@pytest.fixture(scope="session")
def flite() -> Flite:
    return Flite()


@pytest.fixture(scope="session")
def espeak() -> Espeak:
    return Espeak()
