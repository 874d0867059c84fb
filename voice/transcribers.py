"""Which transcriber there is, as the operator chose."""

from __future__ import annotations

from functools import cache

from django.conf import settings

from voice.ears.base import Transcriber
from voice.ears.sphinx import Sphinx
from voice.models import widened

TRANSCRIBERS: dict[str, type[Transcriber]] = {"pocketsphinx": Sphinx}


def transcriber() -> Transcriber | None:
    """None where none is configured."""
    return _made(settings.CONSENT_TRANSCRIBER) if settings.CONSENT_TRANSCRIBER else None


def understands(ear: Transcriber, language: str) -> bool:
    return any(tag in ear.languages for tag in widened(language.lower().replace("_", "-")))


@cache
def _made(name: str) -> Transcriber:
    return TRANSCRIBERS[name]()
