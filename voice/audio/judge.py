"""Whether a recording will do as a sample of a voice: long enough, loud, clean, and of one speaker as far as can be told.

Only what surely spoils a clone is refused. The measures are plain ones. Their limits were set with synthetic voices: unspoilt ones are
far from every limit, and so are the same ones with noise 10 dB below the speech, or with their peaks cut off by 6 dB, on the other side.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from config.errors import Refusal
from voice.audio.errors import FILE
from voice.audio.pcm import RATE
from voice.audio.pitch import STEP, pitch, speakers
from voice.engines.base import Pcm

SHORTEST = 3.0
LEAST_VOICED = 1.0
# seconds
QUIETEST = -45.0
# dB of full scale that speech has on the average
LEAST_ABOVE_NOISE = 12.0
# dB
NEAR_PEAK = 0.95
# of the largest sample: what is cut off gathers there
MOST_NEAR_PEAK = 0.003
# of the samples; unspoilt speech has 0.0002 and less there, with its peaks cut off by 6 dB 0.0036 and more (by 9 dB where an MP3 was made)
BELOW_LOUDEST = 25.0
# dB: what is within them of the loudest is speech and no pause
LOUDEST = 95
PAUSES = 10
# percentiles of the frames' levels
SILENCE = 1e-9
# power, of full scale's, that nothing is counted below: -90 dB
FULL_SCALE = 32_768


@dataclass(frozen=True, slots=True)
class Measures:
    """What there is to say of a sample. Levels are in dB of full scale."""

    seconds: float
    voiced_seconds: float
    # of vowels and the like: half of what somebody says, or more
    speech_db: float
    noise_db: float
    # what is left in the pauses
    peak_db: float
    clipped_share: float
    # of the samples
    pitches: list[int]
    # Hz, of each speaker that can be told from the others


def measure(pcm: Pcm) -> Measures:
    """Of samples at RATE, not all of them 0."""
    signal = (pcm - pcm.mean()) / FULL_SCALE
    levels = _levels(signal)
    loudest, pauses = np.percentile(levels, [LOUDEST, PAUSES])
    track = pitch(pcm)
    size = np.abs(signal)
    return Measures(
        seconds=round(pcm.size / RATE, 2),
        voiced_seconds=round(np.count_nonzero(track) * STEP / RATE, 2),
        speech_db=round(float(_decibels(_power(levels[levels >= loudest - BELOW_LOUDEST]).mean())), 1),
        noise_db=round(float(pauses), 1),
        peak_db=round(float(_decibels(size.max() ** 2)), 1),
        clipped_share=round(float((size >= NEAR_PEAK * size.max()).mean()), 4),
        pitches=[round(hz) for hz in speakers(track)],
    )


def judge(sample: Measures) -> None:
    """Raise a Refusal for a sample that will not do. It says everything that is to be fixed, its code is the first thing's."""
    problems = list(_problems(sample))
    if problems:
        raise Refusal(" ".join(message for _, message in problems), code=problems[0][0], param=FILE)


def _problems(sample: Measures) -> Iterator[tuple[str, str]]:
    if sample.seconds < SHORTEST:
        yield "sample_too_short", f"The sample is {sample.seconds:g} seconds long; record at least {SHORTEST:g}."
    if sample.speech_db < QUIETEST:
        yield "sample_too_quiet", f"The sample is too quiet ({sample.speech_db:g} dB). Speak closer to the microphone, or turn it up."
    if sample.clipped_share > MOST_NEAR_PEAK:
        yield "sample_clipped", "The sample is distorted: its peaks are cut off. Turn the microphone down and record it again."
    if (above := sample.speech_db - sample.noise_db) < LEAST_ABOVE_NOISE:
        yield (
            "sample_noisy",
            f"The speech is only {above:.0f} dB above what else is heard; {LEAST_ABOVE_NOISE:g} are needed. Record in a quiet room, "
            "without music.",
        )
    if sample.voiced_seconds < LEAST_VOICED:
        yield "sample_without_speech", "Hardly any speech is heard in the sample. Record somebody who speaks without long pauses."
    if len(sample.pitches) > 1:
        voices = " and ".join(f"{hz} Hz" for hz in sample.pitches)
        yield "sample_several_speakers", f"More than one voice seems to speak (at {voices}). Record one person alone."


def _levels(signal: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of frames of 20 ms, in dB."""
    whole = signal[: max(signal.size - signal.size % STEP, 1)]
    frames = whole.reshape(-1, STEP) if whole.size >= STEP else signal[None]
    return _decibels((frames**2).mean(axis=1))


def _decibels(power: NDArray[np.float64] | np.float64) -> NDArray[np.float64]:
    return np.asarray(10 * np.log10(np.maximum(power, SILENCE)))


def _power(decibels: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(10 ** (decibels / 10))
