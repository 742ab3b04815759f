"""The place: a line of a file of the project."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """``path`` is relative to the project's root, with ``/``; ``line`` counts from 1, and 0 is the file as a whole."""

    path: str
    line: int = 0
    #: counts from 0; -1: not known
    column: int = -1

    def __str__(self) -> str:
        return f"{self.path}:{self.line}" if self.line else self.path
