"""The transcribers of this machine."""

from __future__ import annotations

import logging

from voice.ears.base import Transcriber
from voice.ears.sphinx import Sphinx
from voice.engines.base import EngineUnavailable

log = logging.getLogger(__name__)


def listening() -> list[Transcriber]:
    """Every transcriber whose library is here."""
    ears: list[Transcriber] = []
    for make in (Sphinx,):
        try:
            ears.append(make())
        except EngineUnavailable as missing:
            log.info("a transcriber is not available: %s", missing)
    return ears
