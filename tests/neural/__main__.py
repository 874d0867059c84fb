"""Make a small model in a folder: python -m tests.neural vits FOLDER [a speaker's name ...]."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.neural.makers import make_vits, make_xtts

kind, folder, *speakers = sys.argv[1:]
make = make_xtts if kind == "xtts" else make_vits
make(Path(folder), speakers=tuple(speakers))
