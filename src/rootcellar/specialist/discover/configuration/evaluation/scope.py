"""The scope: where an expression stands, so that its names can be looked up."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from rootcellar.specialist.discover.configuration.evaluation.frames import Frame, Position
from rootcellar.specialist.discover.modules import Module
from rootcellar.specialist.profile import Value


@dataclass(frozen=True, eq=False)
class Scope:
    """A frame of a module, with what its parameters are bound to."""

    module: Module
    frame: Frame
    outer: "Scope | None" = None
    bound: Mapping[str, Value] = field(default_factory=dict)
    #: what stands at it and behind it has not happened yet; ``None``: all has
    before: Position | None = None

    def at(self, position: Position | None) -> "Scope":
        """Return the same scope at another moment."""
        return replace(self, before=position)

    @property
    def top(self) -> "Scope":
        """The module's own scope."""
        scope = self
        while scope.outer is not None:
            scope = scope.outer
        return scope
