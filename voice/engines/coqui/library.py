"""The one door to Coqui TTS and torch: imported when first needed, on workers only, for it takes seconds and hundreds of MiB."""

from __future__ import annotations

import ctypes
import importlib
import importlib.util
import logging
import sys
import threading
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from voice.engines.base import EngineUnavailable

log = logging.getLogger(__name__)

EXTENSION = "torchaudio._extension.utils"
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
# of glibc's mallopt
KEPT = 1 << 30
# bytes of freed memory that stay with the process: fresh pages for every tensor cost a third of a small model's time on a CPU
_door = threading.RLock()
# one import at a time: two threads would see each other's half


def installed() -> bool:
    return all(importlib.util.find_spec(name) is not None for name in ("TTS", "torch", "torchaudio"))


@cache
def torch() -> ModuleType:
    """PyTorch, with one thread to an operation on a CPU: several requests side by side gain more than one spread out."""
    with _door:
        module = importlib.import_module("torch")
        module.set_num_threads(1)
        _keep_memory()
        return module


@cache
def tts(name: str) -> Any:
    """A module of Coqui TTS, such as "TTS.tts.models.xtts"."""
    if not installed():
        raise EngineUnavailable("Coqui TTS is not installed: pip install 'voice-platform[gpu]'")
    torch()
    with _door:
        import_torchaudio()
        return importlib.import_module(name)


def import_torchaudio() -> None:
    """A torchaudio built for CUDA can't load its extension beside a torch for the CPU, and works without; it must be led past it."""
    try:
        importlib.import_module("torchaudio")
    except OSError as error:
        log.info("torchaudio goes without its extension: %s", error)
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchaudio"]:
            del sys.modules[name]
        found = importlib.util.find_spec("torchaudio")
        package = Path(str(found.origin if found else "")).parent
        spec = importlib.util.spec_from_file_location(EXTENSION, package / "_extension" / "utils.py")
        if spec is None or spec.loader is None:
            raise EngineUnavailable("This torchaudio does not fit this torch.") from error
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        # where there is no library it does without, by its own account
        module.__dict__["_LIB_DIR"] = package / "no-extension"
        sys.modules[EXTENSION] = module
        importlib.import_module("torchaudio")


def _keep_memory() -> None:
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        libc.mallopt(M_TRIM_THRESHOLD, KEPT)
        libc.mallopt(M_MMAP_THRESHOLD, KEPT)
