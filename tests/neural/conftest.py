"""The models of these tests, each made once."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.neural.makers import (
    TINY_VITS,
    WIDE_HEARING,
    make_freevc,
    make_knnvc,
    make_openvoice,
    make_speedy,
    make_vits,
    make_xtts,
    narrow_decoder,
    narrow_openvoice,
)
from tests.neural.speaking import source_at
from voice.engines.base import Source
from voice.engines.coqui import Coqui, Settings


@pytest.fixture(scope="package")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the models are; within, what has no size of its own is narrow."""
    folder = tmp_path_factory.mktemp("models")
    with pytest.MonkeyPatch.context() as patch, narrow_decoder(), narrow_openvoice():
        patch.setenv("TTS_HOME", str(folder))
        # the engine collects garbage at each load, and walking all of PyTorch takes a third of a second
        gc.freeze()
        yield folder


@pytest.fixture(scope="package")
def engine(home: Path) -> Coqui:
    return Coqui(Settings(models=home))


@pytest.fixture(scope="package")
def ana(home: Path) -> Source:
    """A VITS with one voice."""
    return source_at(make_vits(home / "ana"))


@pytest.fixture(scope="package")
def duo(home: Path) -> Source:
    """A VITS with two voices and the stochastic duration predictor."""
    return source_at(make_vits(home / "duo", speakers=("bo", "cleo"), stochastic=True, seed=1))


@pytest.fixture(scope="package")
def wide(home: Path) -> Source:
    """A VITS whose decoder hears as far as that of the published ones."""
    return source_at(make_vits(home / "wide", sizes=TINY_VITS | WIDE_HEARING, seed=2))


@pytest.fixture(scope="package")
def speedy(home: Path) -> Source:
    return source_at(make_speedy(home / "speedy"))


@pytest.fixture(scope="package")
def xtts(home: Path) -> Source:
    """An XTTS with two studio speakers."""
    return source_at(make_xtts(home / "xtts", speakers=("dora", "eve")))


@pytest.fixture(scope="package")
def freevc(home: Path) -> Source:
    return source_at(make_freevc(home / "freevc", home=home))


@pytest.fixture(scope="package")
def openvoice(home: Path) -> Source:
    return source_at(make_openvoice(home / "openvoice"))


@pytest.fixture(scope="package")
def knnvc(home: Path) -> Source:
    return source_at(make_knnvc(home / "knnvc", home=home))
