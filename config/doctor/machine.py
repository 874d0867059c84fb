"""This machine, its Python and its packages."""

from __future__ import annotations

import re
import resource
import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from django.conf import settings

from config.doctor.findings import Finding, check, failure, warning, well

OLDEST = (3, 11)
TRIED = (3, 13)
CONSTRAINTS = Path(__file__).resolve().parents[2] / "constraints.txt"
NAME = re.compile(r"[A-Za-z0-9._-]+")
GIB = 1 << 30
LITTLE = GIB
FEW = 5
# per cent
BESIDES = 256
# files that a process has open beside its sockets
WHOLE = 100
MOST_NAMED = 8


@check("python")
def python() -> Iterator[Finding]:
    here = sys.version_info[:2]
    told = ".".join(str(part) for part in sys.version_info[:3])
    if here < OLDEST:
        yield failure(f"Python {told}.", "Install 3.11 or later, and make .venv anew: `make setup`.")
    elif here > TRIED:
        yield warning(f"Python {told}, with which this was not tried.", "If anything is odd, use 3.11 to 3.13.")
    else:
        yield well(f"Python {told}.")


@check("packages")
def packages() -> Iterator[Finding]:
    """What must be here is, in the versions that the project is tested with."""
    needed = {match[0] for each in requires("voice-platform") or [] if ";" not in each and (match := NAME.match(each))}
    found = {name: _version(name) for name in needed}
    if missing := sorted(name for name, here in found.items() if here is None):
        yield failure(f"Not installed: {', '.join(missing)}.", "`pip install -c constraints.txt -e .`")
    if not CONSTRAINTS.exists():
        yield well(f"{len(needed) - len(missing)} packages; there is no constraints.txt beside them to compare with.")
        return
    pinned = dict(line.split("==") for line in CONSTRAINTS.read_text().splitlines() if line.count("==") == 1)
    here = {name: _version(name) for name in pinned}
    # what stands behind a plus tells how it was built
    other = sorted(name for name, has in here.items() if has is not None and has.partition("+")[0] != pinned[name].partition("+")[0])
    if other:
        shown = ", ".join(f"{name} {here[name]} for {pinned[name]}" for name in other[:MOST_NAMED])
        more = f" and {len(other) - MOST_NAMED} more" if len(other) > MOST_NAMED else ""
        yield warning(f"Other versions than this was tested with: {shown}{more}.", "`pip install -c constraints.txt -e .`")
    else:
        yield well(f"{sum(has is not None for has in here.values())} packages, in the versions that this was tested with.")


@check("files", needs=("settings",))
def files() -> Iterator[Finding]:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = settings.SOCKETS_PER_PROCESS + settings.WORKER_THREADS + BESIDES
    if soft != resource.RLIM_INFINITY and soft < needed:
        advice = "Raise it (`ulimit -n`, LimitNOFILE= in a systemd unit), or lower SOCKETS_PER_PROCESS."
        yield warning(f"A process may open {soft} files, and {settings.SOCKETS_PER_PROCESS} sockets need {needed}.", advice)
    else:
        yield well(f"A process may open {'any number of' if soft == resource.RLIM_INFINITY else soft} files.")


@check("disk", needs=("settings",))
def disk() -> Iterator[Finding]:
    room = shutil.disk_usage(settings.DATA_DIR)
    percent = room.free * WHOLE // room.total
    told = f"{room.free / GIB:.1f} GiB ({percent} %) are free where DATA_DIR is."
    if room.free < LITTLE or percent < FEW:
        yield warning(told, "Make room, give plans a retention (Plans, in the admin), or keep outputs in a bucket (S3_BUCKET).")
    else:
        yield well(told)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
