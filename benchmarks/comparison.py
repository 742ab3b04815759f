"""A comparison: one thing measured twice in the same run, and what its ratio ought to be."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

Unit = Literal["/s", "s", "B"]


class Target(NamedTuple):
    """What is asked of a comparison. ``None`` asks nothing."""

    #: how many times better than the other side, at least
    ratio: float | None = None
    #: our own time, at most, in seconds
    limit_s: float | None = None
    #: our own memory, at most
    limit_bytes: float | None = None


#: nothing is asked
NO_TARGET = Target()


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two figures of one thing: ``theirs`` (Celery's own backend, or the bare driver; ``None``: cannot do it) and
    ``ours``."""

    section: str
    row: str
    column: str
    #: ``/s``: a rate, more is better. ``s``: a time in seconds, ``B``: bytes; less is better
    unit: Unit
    theirs: float | None
    ours: float
    target: Target = NO_TARGET

    @property
    def ratio(self) -> float | None:
        """How many times better ours is; below 1 it is worse. ``None`` where there is no other side.

        >>> Comparison("", "", "", "/s", theirs=10.0, ours=30.0).ratio
        3.0
        >>> Comparison("", "", "", "s", theirs=0.5, ours=0.25).ratio
        2.0
        """
        if self.theirs is None:
            return None
        better, worse = (self.ours, self.theirs) if self.unit == "/s" else (self.theirs, self.ours)
        return better / worse

    @property
    def is_met(self) -> bool | None:
        """Whether the target is met; ``None`` where there is none."""
        if self.target == NO_TARGET:
            return None
        least, *limits = self.target
        is_better = least is None or (self.ratio is not None and self.ratio >= least)
        return is_better and all(limit is None or self.ours <= limit for limit in limits)
