"""Convolutions with their channels side by side: the same values, laid out otherwise."""

from __future__ import annotations

from typing import Any

import pytest

from voice.engines.coqui import layout
from voice.engines.coqui.library import torch

ROUNDING = 1e-5


def both(part: Any, values: Any) -> tuple[Any, Any]:
    """What it makes of values before and after it is turned."""
    with torch().inference_mode():
        before = part(values)
        layout.turn(part)
        return before, part(values)


@pytest.mark.parametrize(
    "settings",
    [
        {"kernel_size": 7, "padding": 36, "dilation": 12},
        {"kernel_size": 5, "stride": 3, "padding": 1},
        {"kernel_size": 1, "bias": False},
    ],
)
@pytest.mark.parametrize("shape", [(2, 12, 90), (1, 12, 90), (12, 90)])
def test_a_convolution_makes_the_same(settings, shape):
    th = torch()
    part = th.nn.Conv1d(12, 20, **settings)

    before, after = both(part, th.randn(shape))

    th.testing.assert_close(after, before, rtol=ROUNDING, atol=ROUNDING)


@pytest.mark.parametrize("settings", [{"kernel_size": 16, "stride": 8, "padding": 4}, {"kernel_size": 3, "stride": 2, "output_padding": 1}])
@pytest.mark.parametrize("shape", [(2, 12, 30), (12, 30)])
def test_a_transposed_convolution_makes_the_same(settings, shape):
    th = torch()
    part = th.nn.ConvTranspose1d(12, 6, **settings)

    before, after = both(part, th.randn(shape))

    th.testing.assert_close(after, before, rtol=ROUNDING, atol=ROUNDING)


def test_between_two_of_them_nothing_is_laid_out_anew():
    th = torch()
    parts = th.nn.Sequential(th.nn.Conv1d(12, 20, 3), th.nn.LeakyReLU(), th.nn.Conv1d(20, 20, 3))
    layout.turn(parts)

    between = parts[1](parts[0](th.randn(1, 12, 90)))

    assert between.unsqueeze(2).is_contiguous(memory_format=th.channels_last)


@pytest.mark.parametrize("settings", [{"groups": 12}, {"padding": "same"}, {"padding": 1, "padding_mode": "reflect"}])
def test_what_has_no_such_form_is_left_as_it_is(settings):
    th = torch()
    part = th.nn.Conv1d(12, 12, 3, **settings)

    before, after = both(part, th.randn(1, 12, 90))

    assert type(part) is th.nn.Conv1d
    assert th.equal(before, after)
