"""The value: what can be said of an expression without running it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rootcellar.specialist.profile.place import Place


@dataclass(frozen=True, slots=True)
class Unknown:
    """Stands in :attr:`Value.data`, and inside its lists and mappings, for what cannot be known; says why."""

    why: str


@dataclass(frozen=True, slots=True)
class Ref:
    """A function, class or other object of the project or of a package, by its full dotted name."""

    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """A call that is data to us and is not run: ``crontab(hour=3)``, ``Queue("a")``. ``name`` is the full dotted one.

    ``timedelta(...)`` never is one: it becomes a :class:`datetime.timedelta`.
    """

    name: str
    args: tuple[Any, ...] = field(default=(), repr=False)
    kwargs: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Value:
    """What is known of a value.

    ``data`` is plain Python data: scalars, ``list``, ``tuple``, ``set``, ``dict``, ``timedelta``, with :class:`Ref`,
    :class:`Call` and :class:`Unknown` where those are meant; or :class:`Unknown` itself. A text that is known in part
    (an f-string) has its unknown parts as ``{NAME}``, the variable's name, and ``holes`` lists them:
    ``"redis://:{REDIS_PASSWORD}@db/0"``. It may hold secrets, so ``repr()`` does not show it.
    """

    data: Any = field(repr=False)
    #: names of unknown parts of a text
    holes: tuple[str, ...] = ()
    #: environment variables that it is made of, known or not
    variables: tuple[str, ...] = ()
    #: places of the literals (and lines of env files) that it is made of, the first one first
    written_at: tuple[Place, ...] = ()
    #: whether a variable was not found and the default written in the code stands for it
    is_default: bool = False

    @property
    def is_known(self) -> bool:
        """Whether all of it is known, at the top level; parts of a mapping may still be unknown."""
        return not self.holes and not isinstance(self.data, Unknown)

    @property
    def why(self) -> str:
        """Why it is not known; empty if it is."""
        if isinstance(self.data, Unknown):
            return self.data.why
        return f"{', '.join(self.holes)} not known" if self.holes else ""
