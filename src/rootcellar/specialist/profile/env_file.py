"""The env file: ``.env`` and its like."""

from dataclasses import dataclass, field

from rootcellar.specialist.profile.place import Place


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable and its value, which ``repr()`` does not show."""

    name: str
    value: str = field(repr=False)
    place: Place


@dataclass(frozen=True, slots=True)
class EnvFile:
    """An env file. ``is_tracked`` and ``is_ignored`` are git's; ``None`` where there is no git to ask."""

    path: str
    variables: tuple[Variable, ...]
    #: ``.env.example``, ``.env.sample``, ``.env.template``, ``.env.dist``, ``example.env``
    is_example: bool = False
    is_tracked: bool | None = None
    is_ignored: bool | None = None
