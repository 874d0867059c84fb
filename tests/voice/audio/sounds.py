"""Sounds that the tests listen to, at 24 kHz unless a rate is given."""

from __future__ import annotations

import io

import av
import numpy as np

from voice.audio.pcm import RATE


def sine(ms, hz=440.0, *, rate=RATE, peak=10_000):
    time = np.arange(round(ms * rate / 1000)) / rate
    return np.rint(peak * np.sin(2 * np.pi * hz * time)).astype(np.int16)


def noise(ms, *, spread=3000, seed=7):
    return np.random.default_rng(seed).normal(0, spread, round(ms * RATE / 1000)).clip(-32768, 32767).astype(np.int16)


def blocks(pcm, size):
    return [pcm[start : start + size] for start in range(0, pcm.size, size)]


def ragged(pcm, seed=3, largest=2000):
    cuts = np.cumsum(np.random.default_rng(seed).integers(1, largest, pcm.size))
    return np.split(pcm, cuts[cuts < pcm.size])


def pitch(pcm, rate=RATE):
    """The strongest frequency, in Hz."""
    spectrum = np.abs(np.fft.rfft(pcm * np.hanning(pcm.size)))
    return float(np.fft.rfftfreq(pcm.size, 1 / rate)[spectrum.argmax()])


def decode(data):
    """What a listener hears: float samples, and their rate in Hz."""
    with av.open(io.BytesIO(data), "r") as container:
        rate = container.streams.audio[0].rate
        frames = [frame.to_ndarray() for frame in container.decode(audio=0)]
    samples = np.concatenate(frames, axis=1)[0]
    return (samples / 32768 if samples.dtype == np.int16 else samples.astype(float)), rate
