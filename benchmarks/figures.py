from __future__ import annotations

import os
import statistics
from collections.abc import Sequence
from pathlib import Path

MILLISECONDS = 1000


def line(name: str, seconds: Sequence[float]) -> None:
    """Print the median, the 99th percentile and the extremes of durations."""
    ordered = sorted(seconds)
    figures = (statistics.median(ordered), quantile(ordered, 0.99), ordered[0], ordered[-1])
    p50, p99, least, most = (f"{value * MILLISECONDS:.1f}" for value in figures)
    print(f"  {name:<58} n={len(ordered):<4} p50 {p50:>8} ms   p99 {p99:>8} ms   {least} to {most}")


def quantile(values: Sequence[float], share: float) -> float:
    """The value that such a share of them do not exceed, but for the one at the border."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def processor_time(pid: int) -> float:
    """Seconds of processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
