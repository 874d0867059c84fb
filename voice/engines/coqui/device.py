"""The accelerator: which one, what it has left, and what its faults mean."""

from __future__ import annotations

import gc
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from voice.engines.base import DeviceLost
from voice.engines.batch import OutOfMemory
from voice.engines.coqui.library import torch

CUDA = "cuda"

STICKY = ("cuda error", "device-side assert", "cublas_status", "cudnn_status", "unspecified launch failure", "illegal memory access")
# in what torch says when every later call of the process will fail as well


def choose(wanted: str) -> str:
    """The name of the device for "auto": "cuda" where there is one, else "cpu"."""
    if wanted != "auto":
        return wanted
    return "cuda" if torch().cuda.is_available() else "cpu"


@contextmanager
def faults() -> Iterator[None]:
    """Within, torch's errors become OutOfMemory, after which the device is fine, or DeviceLost, after which nothing is."""
    try:
        yield
    except torch().OutOfMemoryError as error:
        # what the attempt had made is held by its frames, and those by the error
        traceback.clear_frames(error.__traceback__)
        release()
        raise OutOfMemory(str(error)) from error
    except RuntimeError as error:
        if is_sticky(error):
            raise DeviceLost from error
        raise


def is_sticky(error: RuntimeError) -> bool:
    said = str(error).lower()
    return isinstance(error, torch().AcceleratorError) or any(words in said for words in STICKY)


def release() -> None:
    """Give back what torch keeps of freed memory, and that of models which are gone but refer to themselves."""
    gc.collect()
    if torch().cuda.is_available():
        torch().cuda.empty_cache()


def described(device: str) -> dict[str, Any]:
    """What a report tells of a device: its name, and on an accelerator its memory in bytes."""
    if not device.startswith("cuda"):
        return {"device": device}
    free, total = torch().cuda.mem_get_info(device)
    return {"device": torch().cuda.get_device_name(device), "memory_total": total, "memory_used": total - free}


def size_of(module: Any) -> int:
    """Bytes of a module's parameters and buffers."""
    return sum(tensor.numel() * tensor.element_size() for group in (module.parameters(), module.buffers()) for tensor in group)


def fold(module: Any) -> None:
    """Compute each weight that is kept as direction and norm once and for all: the same output, a third less time on a CPU."""
    parametrize = torch().nn.utils.parametrize
    for part in module.modules():
        if parametrize.is_parametrized(part, "weight"):
            parametrize.remove_parametrizations(part, "weight")
