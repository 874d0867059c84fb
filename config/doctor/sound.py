"""What speaks, what encodes, and what it runs on."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from ctypes import CDLL
from importlib.util import find_spec

from av.codec import codecs_available
from django.conf import settings

from config.doctor.findings import IMPORTING, Finding, check, failure, warning, well
from voice.audio.formats import FORMATS
from voice.engines.espeak import LOADER
from voice.engines.flite import LIBRARY
from voice.models import Model

DECODED = ("mp3", "aac", "flac", "opus", "vorbis", "pcm_s16le")
PATIENCE = 5
ESPEAK = "`pip install -c constraints.txt -e '.[espeak]'`"
GPU = "`pip install -c constraints.txt -e '.[gpu]'`"


@check("engines")
def engines() -> Iterator[Finding]:
    """The libraries that speak out of the box."""
    try:
        CDLL(LIBRARY)
        flite = True
    except OSError:
        flite = False
    espeak = find_spec(LOADER) is not None
    if flite and espeak:
        yield well("CMU Flite and eSpeak NG are here.")
    elif not flite and not espeak:
        # of several machines those that only serve need no voice
        tell = failure if settings.EMBEDDED else warning
        yield tell("Nothing here speaks out of the box.", f"`apt-get install flite`, and {ESPEAK}.")
    elif flite:
        yield warning("eSpeak NG is not here: languages but English need it.", ESPEAK)
    else:
        yield warning("CMU Flite is not here: eSpeak speaks English in its place.", "`apt-get install flite`")


@check("codecs")
def codecs() -> Iterator[Finding]:
    wanted = {form.codec.name for form in FORMATS.values() if form.codec} | set(DECODED)
    if missing := sorted(wanted - codecs_available):
        yield failure(f"PyAV lacks {', '.join(missing)}.", "Install PyAV's own wheel: `pip install --force-reinstall av`.")
    else:
        yield well("PyAV has every codec.")


@check("models", needs=("settings", "database", "migrations"))
def models() -> Iterator[Finding]:
    known = {model.name: model for model in Model.objects.all()}
    for model in known.values():
        if model.problem and model.enabled:
            yield warning(f"The model {model} does not work: {model.problem}", f"`manage.py models check {model}`, on a worker's machine.")
    for name in settings.PRELOAD_MODELS:
        if name not in known:
            yield warning(f"PRELOAD_MODELS names {name}, which is not registered.", f"`manage.py models add {name} …`")
    registered = [model for model in known.values() if model.location]
    yield well(f"{len(known)} models, {len(registered)} of them registered by the operator.")


@check("device", needs=("settings",), limit=IMPORTING)
def device() -> Iterator[Finding]:
    """What models run on. Without PyTorch none do, and nothing is missing unless it was asked for."""
    driver = _driver()
    if find_spec("torch") is None:
        if settings.DEVICE.startswith("cuda"):
            yield failure(f"DEVICE is {settings.DEVICE}, and PyTorch is not installed.", GPU)
        elif driver:
            yield warning(f"There is a {driver}, and nothing that could use it.", GPU)
        else:
            yield well("No PyTorch: registered models are for other machines.")
        return
    import torch

    if torch.cuda.is_available():
        yield well(f"PyTorch {torch.__version__} on {torch.cuda.get_device_name()}, driver {driver or 'unknown'}.")
    elif settings.DEVICE.startswith("cuda"):
        advice = "See that `nvidia-smi` answers and that PyTorch is built for CUDA (`python -c 'import torch; print(torch.version.cuda)'`)."
        yield failure(f"DEVICE is {settings.DEVICE}, and PyTorch {torch.__version__} finds no CUDA.", advice)
    elif driver:
        yield warning(f"There is a {driver}, and PyTorch {torch.__version__} can't use it.", "Install one that is built for its CUDA.")
    else:
        yield well(f"PyTorch {torch.__version__} on the CPU.")


def _driver() -> str:
    """What NVIDIA's own tool tells of the first device: name and driver; empty where there is none."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return ""
    try:
        asked = [program, "--query-gpu=name,driver_version", "--format=csv,noheader"]
        done = subprocess.run(asked, capture_output=True, text=True, timeout=PATIENCE, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return ""
    return next(iter(done.stdout.splitlines()), "")
