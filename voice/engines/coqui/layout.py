"""Convolutions over time with the channels of a moment side by side in memory.

torch keeps the moments of a channel side by side, which its library for CPUs has to turn round before each convolution and back behind it.
As images one moment high, and laid out like this, they need none of that. What comes out differs by rounding only.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from voice.engines.coqui.library import torch

BATCHED = 3
# dimensions: without the first, torch's own form is as good


def turn(module: Any) -> None:
    """Let the convolutions within a module run so. What is done to each sample between them keeps the layout."""
    kinds = _kinds()
    for part in module.modules():
        if type(part) in kinds and part.groups == 1 and part.padding_mode == "zeros" and not isinstance(part.padding, str):
            part.weight.data = _turned(part.weight.data).squeeze(2)
            part.__class__ = kinds[type(part)]


@cache
def _kinds() -> dict[Any, Any]:
    """What takes the place of torch's own, which is not imported before it is needed."""
    nn = torch().nn
    plain, transposed = nn.Conv1d, nn.ConvTranspose1d

    class Convolution(plain):  # type: ignore[misc, valid-type]
        def forward(self, values: Any) -> Any:
            if values.dim() != BATCHED:
                return super().forward(values)
            settings = _flat(self, "stride", "padding", "dilation")
            return nn.functional.conv2d(_turned(values), self.weight.unsqueeze(2), self.bias, **settings).squeeze(2)

    class Transposed(transposed):  # type: ignore[misc, valid-type]
        def forward(self, values: Any) -> Any:
            if values.dim() != BATCHED:
                return super().forward(values)
            settings = _flat(self, "stride", "padding", "output_padding", "dilation")
            return nn.functional.conv_transpose2d(_turned(values), self.weight.unsqueeze(2), self.bias, **settings).squeeze(2)

    return {plain: Convolution, transposed: Transposed}


def _flat(part: Any, *names: str) -> dict[str, tuple[int, int]]:
    """Settings along time as those of an image one moment high."""
    idle = {"stride": 1, "dilation": 1}
    return {name: (idle.get(name, 0), getattr(part, name)[0]) for name in names}


def _turned(values: Any) -> Any:
    """From (a, b, moments) to (a, b, 1, moments) with b side by side in memory, where it is not so already."""
    return values.unsqueeze(2).contiguous(memory_format=torch().channels_last)
