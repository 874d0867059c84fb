"""Whom a model is to sound like: the recordings of a voice, as an engine asks for them."""

from __future__ import annotations

from functools import partial

from voice import conditioning
from voice.engines.base import Pcm, Reference
from voice.intake import read_pcm
from voice.models import Voice


def reference(voice: Voice) -> Reference:
    """The samples of a voice's present version."""
    return Reference(key=f"{voice.pk}-{voice.version}", recordings=partial(_recordings, voice), folder=conditioning.folder(voice))


def _recordings(voice: Voice) -> list[Pcm]:
    return [read_pcm(sample.blob) for sample in voice.samples.select_related("blob")]
