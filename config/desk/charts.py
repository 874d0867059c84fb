"""Columns over time as an SVG that the server draws: it needs no script, prints, and has its numbers beside it as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

WIDTH, HEIGHT = 600.0, 120.0
# of the drawing's own coordinates; the page stretches it
GAP = 0.2
# of a column's width


@dataclass(frozen=True)
class Part:
    """A rectangle."""

    series: int
    x: float
    y: float
    width: float
    height: float
    told: str


@dataclass(frozen=True)
class Row:
    """Of the table."""

    label: str
    values: Sequence[float]
    link: str


@dataclass(frozen=True)
class Chart:
    key: str
    # in the page's ids
    title: str
    unit: str
    names: Sequence[str]
    # of the series, from the bottom up
    labels: Sequence[str]
    values: Sequence[Sequence[float]]
    # for each label one of each series
    palette: str = "state"
    # that the series are drawn in
    links: Sequence[str] = field(default_factory=list)
    # to the rows behind each label; none: there are none to show

    @property
    def most(self) -> float:
        return max(map(sum, self.values), default=0)

    @property
    def total(self) -> float:
        return sum(map(sum, self.values))

    @property
    def parts(self) -> list[Part]:
        step = WIDTH / max(1, len(self.labels))
        parts = []
        for n, (label, values) in enumerate(zip(self.labels, self.values, strict=True)):
            floor = HEIGHT
            for series, value in enumerate(values):
                height = HEIGHT * value / self.most if self.most else 0
                floor -= height
                told = f"{label}: {value:,.0f} {self.names[series]}"
                if value:
                    parts.append(Part(series, n * step, floor, step * (1 - GAP), height, told))
        return parts

    @property
    def rows(self) -> list[Row]:
        """The newest first."""
        links = self.links or [""] * len(self.labels)
        return [Row(*each) for each in zip(self.labels, self.values, links, strict=True)][::-1]
