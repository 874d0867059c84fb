"""Whom a model is to sound like: the voice of an item, and its recordings as an engine asks for them."""

from __future__ import annotations

from functools import partial

from jobs.work import Work
from voice import conditioning
from voice.engines.base import Pcm, Reference
from voice.errors import VoiceNotFound
from voice.models import Voice
from voice.sources import read_pcm


def voice_of(work: Work) -> Voice:
    """The voice that was asked for, as it is now. Refused when it may not be used any more; VoiceNotFound where it was deleted.

    The row is read once the item is claimed: a consent that is revoked from now on finds the item running, and stops it.
    """
    options = work.item.options
    voice = Voice.objects.select_related("model", "consent").filter(pk=options["voice_id"]).first()
    if voice is None:
        raise VoiceNotFound(options["voice"])
    voice.check_usable()
    # samples may have come or gone since it was asked for
    work.findings["voice_version"] = voice.version
    return voice


def reference(voice: Voice) -> Reference:
    """The samples of a voice's present version."""
    return Reference(key=f"{voice.pk}-{voice.version}", recordings=partial(_recordings, voice), folder=conditioning.folder(voice))


def _recordings(voice: Voice) -> list[Pcm]:
    """VoiceNotFound where there are none: it was deleted, or its consent revoked, since it was looked at."""
    recordings = [read_pcm(sample.blob) for sample in voice.samples.select_related("blob")]
    if not recordings:
        raise VoiceNotFound(voice.name)
    return recordings
