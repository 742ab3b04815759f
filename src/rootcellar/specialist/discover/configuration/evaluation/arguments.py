"""The arguments: what a call is given, evaluated when asked for."""

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rootcellar.specialist.discover.configuration.placed import PlacedDict
from rootcellar.specialist.profile import Place, Value

if TYPE_CHECKING:
    from rootcellar.specialist.discover.configuration.evaluate import Evaluator
    from rootcellar.specialist.discover.configuration.evaluation.scope import Scope


@dataclass(frozen=True)
class Arguments:
    """Positional and keyword arguments. ``is_complete`` is false where ``*args`` or ``**kwargs`` could not be read."""

    node: ast.Call
    args: tuple[Value, ...] = ()
    kwargs: Mapping[str, Value] = field(default_factory=dict)
    places: Mapping[str, Place] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether all of them are here."""
        return not self.unknown

    def get(self, position: int, *names: str) -> Value | None:
        """Return an argument by position (negative: has none) or by any of its names."""
        if 0 <= position < len(self.args):
            return self.args[position]
        return next((self.kwargs[name] for name in names if name in self.kwargs), None)

    def text(self, position: int, *names: str) -> str:
        """Return an argument that is a fully known text; empty otherwise."""
        value = self.get(position, *names)
        return value.data if value is not None and isinstance(value.data, str) and not value.holes else ""


def arguments_of(evaluator: "Evaluator", node: ast.Call, scope: "Scope") -> Arguments:
    """Evaluate a call's arguments."""
    args: list[Value] = []
    kwargs: dict[str, Value] = {}
    places: dict[str, Place] = {}
    unknown: list[str] = []
    for argument in node.args:
        if isinstance(argument, ast.Starred):
            value = evaluator.evaluate(argument.value, scope)
            if isinstance(value.data, (list, tuple)):
                args.extend(Value(one, value.holes, value.variables, value.written_at) for one in value.data)
            else:
                unknown.append(value.why or "*arguments")
                break
        else:
            args.append(evaluator.evaluate(argument, scope))
    for keyword in node.keywords:
        value = evaluator.evaluate(keyword.value, scope)
        if keyword.arg is not None:
            kwargs[keyword.arg] = value
            places[keyword.arg] = scope.module.place(keyword)
            continue
        mapping = evaluator.mapping(value)
        if mapping is None:
            unknown.append(value.why or "keyword arguments that are no dict")
            continue
        unknown.extend(mapping.unknown)
        for key, one, place, _ in mapping.placed():
            if isinstance(key, str):
                kwargs[key] = one
                places[key] = place if place.path else scope.module.place(keyword)
    return Arguments(node, tuple(args), kwargs, places, tuple(unknown))


def as_mapping(arguments: Arguments, here: Place) -> PlacedDict:
    """Return keyword arguments as the dict that ``dict(**kwargs)`` is."""
    result = PlacedDict()
    for key, value in arguments.kwargs.items():
        result.put(key, value, arguments.places.get(key, here))
    result.unknown.extend(arguments.unknown)
    return result
