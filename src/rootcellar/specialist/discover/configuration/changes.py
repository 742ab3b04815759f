"""The changes: what configures an app, before it is known which of it Celery reads."""

import ast
from dataclasses import dataclass, field

from rootcellar.specialist.discover.configuration.evaluation.scope import Scope
from rootcellar.specialist.profile import Place, Value


@dataclass(frozen=True, slots=True)
class Given:
    """One name that is set. ``is_wholesale``: it came with all other names of an object, so it need be no setting."""

    written: str
    value: Value
    place: Place
    origin: str
    is_conditional: bool = False
    is_wholesale: bool = False


@dataclass(frozen=True, slots=True)
class Source:
    """A ``config_from_object``: what it is given, and where."""

    value: Value
    scope: Scope
    place: Place
    is_conditional: bool = False


@dataclass(frozen=True, slots=True)
class Periodic:
    """An ``add_periodic_task``."""

    call: ast.Call
    scope: Scope


@dataclass
class Changes:
    """All that was found. ``own`` is in Celery's order: keywords first, then what is changed afterwards."""

    sources: list[Source] = field(default_factory=list)
    defaults: list[Given] = field(default_factory=list)
    own: list[Given] = field(default_factory=list)
    periodic: list[Periodic] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    namespace: str | None = None

    def know_not(self, why: str) -> None:
        """Note once why a part of the configuration cannot be read."""
        if why and why not in self.unknown:
            self.unknown.append(why)
