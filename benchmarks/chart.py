"""The chart: how many times better than Celery's own backend, as bars on a logarithmic scale."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from benchmarks.comparison import Comparison
from benchmarks.figures import format_ratio
from benchmarks.side_by_side import SECTION

#: What is drawn, in this order.
_COLUMNS = ("store", "get", "group", "wake-up")

WIDTH = 760
_LEFT, _RIGHT, _TOP = 190, 70, 76
_BAR, _GAP, _GROUP_GAP = 14, 4, 16
# A ratio of 1 is where bars begin; what is worse goes to the left of it.
_LEAST = 0.5


@dataclass(frozen=True)
class Bar:
    """One comparison."""

    x: float
    y: float
    width: float
    column: int
    label: str
    title: str


@dataclass(frozen=True)
class Group:
    """The bars of one row, and where its name stands."""

    name: str
    y: float
    bars: Sequence[Bar]


@dataclass(frozen=True)
class Tick:
    """A line of the scale."""

    x: float
    label: str


@dataclass(frozen=True)
class Chart:
    """Where everything goes, in the SVG's user units."""

    width: int
    height: float
    top: float
    bar_height: int
    columns: Sequence[str]
    groups: Sequence[Group]
    ticks: Sequence[Tick]

    @classmethod
    def of(cls, comparisons: Sequence[Comparison]) -> Self:
        """Lay out the comparisons side by side with Celery."""
        drawn = [one for one in comparisons if one.section == SECTION and one.column in _COLUMNS]
        most = max([10.0, *(one.ratio for one in drawn)])
        span = math.log10(most / _LEAST)

        def x_of(ratio: float) -> float:
            return round(_LEFT + (WIDTH - _LEFT - _RIGHT) * math.log10(max(ratio, _LEAST) / _LEAST) / span, 1)

        groups, y = [], float(_TOP)
        for name in dict.fromkeys(one.row for one in drawn):
            bars = []
            for one in sorted((one for one in drawn if one.row == name), key=lambda one: _COLUMNS.index(one.column)):
                x, end = sorted((x_of(1), x_of(one.ratio)))
                label = format_ratio(one.ratio)
                title = f"{name}, {one.column}: {label}"
                bars.append(Bar(x, y, max(1.0, end - x), _COLUMNS.index(one.column), label, title))
                y += _BAR + _GAP
            groups.append(Group(name, (bars[0].y + y - _GAP) / 2, bars))
            y += _GROUP_GAP
        ticks = [Tick(x_of(10**power), f"{10**power:,}x") for power in range(math.floor(math.log10(most)) + 1)]
        return cls(WIDTH, y + 24, _TOP - 10, _BAR, _COLUMNS, groups, ticks)
