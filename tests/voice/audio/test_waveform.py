from __future__ import annotations

import numpy as np
import pytest

from voice.audio.waveform import PARTS, waveform


def test_a_waveform_tells_where_it_is_loud():
    half = np.full(24_000, 16_384, dtype=np.int16)

    found = waveform(np.concatenate([np.zeros(24_000, dtype=np.int16), half]))

    assert len(found.peaks) == PARTS
    assert set(found.peaks[: PARTS // 2]) == {0}
    assert set(found.peaks[PARTS // 2 :]) == {50}
    assert found.peak_db == pytest.approx(-6.0, abs=0.1)
    assert found.level_db == pytest.approx(-9.0, abs=0.1)


@pytest.mark.parametrize("samples", [0, 1, 7])
def test_what_is_shorter_than_its_parts_has_one_for_each_sample(samples):
    found = waveform(np.full(samples, -32_768, dtype=np.int16))

    assert found.peaks == [100] * samples


def test_whatever_sounds_is_seen():
    assert waveform(np.array([1], dtype=np.int16)).peaks == [1]
