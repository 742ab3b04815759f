"""The kind: a type, as far as code shows it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """A type's full dotted name; of a container also the kinds in it, at any depth."""

    name: str
    inside: tuple[str, ...] = ()


UNKNOWN = Kind("unknown")
