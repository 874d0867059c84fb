"""The speech engines of this machine."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial

from config.upstreams import Upstream
from voice.engines.base import EngineUnavailable, Synthesizer
from voice.engines.espeak import Espeak
from voice.engines.flite import Flite
from voice.engines.remote import Remote
from voice.engines.tone import Tone

log = logging.getLogger(__name__)


def available(*, misbehave: bool = False, upstreams: Sequence[Upstream] = ()) -> list[Synthesizer]:
    """Every engine whose library is here, the preferred first; `misbehave` lets the tone engine's seeds do what they are for."""
    makers: tuple[Callable[[], Synthesizer], ...] = (Flite, Espeak, partial(Remote, upstreams), partial(Tone, misbehave=misbehave))
    engines = []
    for make in makers:
        try:
            engines.append(make())
        except EngineUnavailable as missing:
            log.info("an engine is not available: %s", missing)
    return engines
