"""The place: a line of a file of the project."""

from dataclasses import dataclass
from itertools import takewhile


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """``path`` is relative to the project's root, with ``/``; ``line`` counts from 1, and 0 is the file as a whole."""

    path: str
    line: int = 0
    #: counts from 0; -1: not known
    column: int = -1

    def __str__(self) -> str:
        return f"{self.path}:{self.line}" if self.line else self.path


def folders_in_common(path: str, other: str) -> int:
    """Return how many folders two paths have in common, from the root on.

    >>> folders_in_common("a/b/c.py", "a/b/d/e.py")
    2
    """
    pairs = zip(path.split("/")[:-1], other.split("/")[:-1], strict=False)
    return len(list(takewhile(lambda pair: pair[0] == pair[1], pairs)))
