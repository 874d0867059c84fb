"""What workers computed of a voice's samples, kept in files so that it is computed once: by voice, version and model.

Nothing is decided by these files: whoever uses a voice looks at its row first. A folder that no row stands for is only a leftover,
on whichever machine it lies, and is removed when one of its workers is started or has the tidying to do.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from django.conf import settings

from voice.models import Voice


def folder(voice: Voice) -> Path:
    """Where to keep what was computed of this version of a voice."""
    return _folder_of(voice.pk) / str(voice.version)


def forget_conditioning(voice_id: str) -> None:
    """Remove what this machine keeps of a voice, whatever the version."""
    shutil.rmtree(_folder_of(voice_id), ignore_errors=True)


def forget_leftovers() -> None:
    """Remove what this machine keeps of voices, or versions of them, that are used no more."""
    # looked at before the rows: what is made after them is not taken for a leftover
    kept = list(Path(settings.CONDITIONING_DIR).glob("*/*"))
    names = {version.parent.name for version in kept}
    wanted = {folder(voice) for voice in Voice.objects.usable().filter(pk__in=names)}
    for version in kept:
        if version not in wanted:
            shutil.rmtree(version, ignore_errors=True)
            with suppress(OSError):
                # goes with the last of its versions
                version.parent.rmdir()


def _folder_of(voice_id: str) -> Path:
    return Path(settings.CONDITIONING_DIR) / voice_id
