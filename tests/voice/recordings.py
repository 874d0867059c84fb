"""Recordings as somebody would send them."""

from __future__ import annotations

from functools import cache

import numpy as np
from django.core.files.uploadedfile import SimpleUploadedFile

from voice.audio.encode import Encoder
from voice.audio.pcm import Resampler
from voice.engines.base import Utterance
from voice.engines.flite import Flite
from voice.phrases import PHRASES


@cache
def spoken(text: str = PHRASES["en"], speaker: str = "slt", form: str = "wav") -> bytes:
    """Somebody who reads a text."""
    engine = Flite()
    rate = next(known.rate for known in engine.speakers() if known.name == speaker)
    pcm = np.concatenate(list(engine.synthesize(Utterance(text, speaker, "en"))))
    resampler = Resampler(rate)
    with Encoder(form) as encoder:
        return encoder.encode(np.concatenate([resampler.push(pcm), resampler.flush()])) + encoder.finish()


def recording(text: str = PHRASES["en"], speaker: str = "slt", form: str = "wav") -> SimpleUploadedFile:
    return SimpleUploadedFile(f"recording.{form}", spoken(text, speaker, form))
