from __future__ import annotations

import statistics
from collections.abc import Sequence

MILLISECONDS = 1000


def line(name: str, seconds: Sequence[float]) -> None:
    """Print the median, the 99th percentile and the extremes of durations."""
    ordered = sorted(seconds)
    last = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    figures = (statistics.median(ordered), last, ordered[0], ordered[-1])
    p50, p99, least, most = (f"{value * MILLISECONDS:.1f}" for value in figures)
    print(f"  {name:<58} n={len(ordered):<4} p50 {p50:>8} ms   p99 {p99:>8} ms   {least} to {most}")
