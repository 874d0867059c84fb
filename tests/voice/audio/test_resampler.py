from __future__ import annotations

import numpy as np
import pytest

from tests.voice.audio.sounds import blocks, pitch, ragged, sine
from voice.audio.pcm import RATE, Resampler

RATES = [8_000, 16_000, 22_050, 44_100]


def resampled(rate, parts):
    resampler = Resampler(rate)
    return np.concatenate([*(resampler.push(part) for part in parts), resampler.flush()])


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("size", [1, 37, 1601, 100_000])
def test_it_keeps_length_pitch_and_loudness(rate, size):
    tone = sine(500, 1000, rate=rate)

    out = resampled(rate, blocks(tone, size))

    assert out.dtype == np.int16
    assert out.size == pytest.approx(RATE / 2, abs=2)
    assert pitch(out) == pytest.approx(1000, abs=2)
    assert np.abs(out).max() == pytest.approx(10_000, rel=0.1)


@pytest.mark.parametrize("rate", RATES)
def test_the_samples_do_not_depend_on_the_blocks(rate):
    tone = sine(700, 333, rate=rate)

    assert np.array_equal(resampled(rate, ragged(tone)), resampled(rate, [tone]))


def test_at_our_own_rate_it_changes_nothing_and_waits_for_nothing():
    tone = sine(50)
    resampler = Resampler(RATE)

    assert np.array_equal(resampler.push(tone), tone)
    assert resampler.flush().size == 0


@pytest.mark.parametrize("rate", RATES)
def test_after_a_flush_it_starts_afresh(rate):
    tone = sine(200, rate=rate)
    resampler = Resampler(rate)
    first = np.concatenate([resampler.push(tone), resampler.flush()])

    second = np.concatenate([resampler.push(tone), resampler.flush()])

    assert np.array_equal(first, second)


@pytest.mark.parametrize(("rate", "ms"), [(8_000, 80), (16_000, 45), (22_050, 45), (44_100, 45)])
def test_it_holds_back_little(rate, ms):
    resampler = Resampler(rate)

    out = resampler.push(sine(ms, rate=rate))

    assert out.size > 0


def test_what_overshoots_is_clipped_and_does_not_wrap():
    square = np.tile(np.repeat(np.array([32767, -32768], np.int16), 50), 40)

    out = resampled(16_000, [square])

    middle = out[200:-200].astype(int)
    assert middle.max() == 32767
    assert middle.min() == -32768
    assert np.abs(np.diff(middle)).max() < 50_000


def test_a_stream_without_samples_stays_empty():
    assert resampled(22_050, []).size == 0
