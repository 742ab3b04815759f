"""Placed data: what an expression comes to, where more must be known of it than its plain data.

All of these are what :class:`rootcellar.specialist.profile.Value` promises: a ``dict``, a ``str``, a ``Ref``, a
``Call``. Only the readers of this package look at the rest.
"""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rootcellar.specialist.profile import Call, Place, Ref, Unknown, Value

if TYPE_CHECKING:
    from rootcellar.specialist.discover.configuration.evaluation.scope import Scope

#: Names, places and the like that one value carries at most.
_MOST = 60
_DEEPEST = 30


class PlacedDict(dict[Any, Any]):
    """A dict that knows each entry's value and place, and why it may have entries that are not in it."""

    def __init__(self) -> None:
        super().__init__()
        self.values_of: dict[Any, Value] = {}
        self.places: dict[Any, Place] = {}
        self.conditional: set[Any] = set()
        self.unknown: list[str] = []

    def put(self, key: Any, value: Value, place: Place, *, is_conditional: bool = False) -> None:
        """Set an entry; one that may or may not be set is marked so."""
        self.pop(key, None)  # the order is that of the last setting
        self[key] = value.data
        self.values_of[key] = value
        self.places[key] = place
        (self.conditional.add if is_conditional else self.conditional.discard)(key)

    def take(self, other: Mapping[Any, Any], place: Place, *, is_conditional: bool = False) -> None:
        """Set all entries of another one."""
        for key, data in list(other.items()):
            if isinstance(other, PlacedDict):
                conditional = is_conditional or key in other.conditional
                self.put(key, other.values_of[key], other.places[key], is_conditional=conditional)
            else:
                self.put(key, Value(data), place, is_conditional=is_conditional)
        if isinstance(other, PlacedDict):
            self.unknown.extend(why for why in other.unknown if why not in self.unknown)

    def drop(self, key: Any) -> None:
        """Forget an entry."""
        self.pop(key, None)
        self.values_of.pop(key, None)
        self.places.pop(key, None)

    def copied(self) -> "PlacedDict":
        """Return one of its own with the same entries."""
        result = PlacedDict()
        result.take(self, Place(""))
        return result

    def placed(self) -> Iterator[tuple[Any, Value, Place, bool]]:
        """Yield key, value, place and whether it may not be set."""
        for key in self:
            yield key, self.values_of[key], self.places[key], key in self.conditional


class PathText(str):
    """A file's path that Python has as a ``pathlib.Path``. One in the project begins with ``{PROJECT}``."""

    __slots__ = ()


#: Stands for the folder of the project, which is wherever it is deployed.
PROJECT = "{PROJECT}"


@dataclass(frozen=True, slots=True)
class Definition(Ref):
    """A function or class of the project."""

    node: ast.AST = field(default_factory=ast.Pass, compare=False, repr=False)
    scope: "Scope | None" = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Made(Call):
    """A call whose arguments are also there as values, by name or position."""

    values: Mapping[str | int, Value] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Instance(Made):
    """An instance of a class of the project."""

    definition: Definition = field(default_factory=lambda: Definition(""), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Bound(Ref):
    """A method of an instance or class of the project, with what it is bound to."""

    definition: Definition = field(default_factory=lambda: Definition(""), compare=False, repr=False)
    owner: Value = field(default_factory=lambda: Value(None), compare=False, repr=False)


def made_of(data: Any, *values: Value, holes: tuple[str, ...] = (), at: Place | None = None) -> Value:
    """Return a value that is made of others: their variables, places and defaults are its own."""
    variables: dict[str, None] = {}
    written: dict[Place, None] = {} if at is None else {at: None}
    for value in values:
        variables.update(dict.fromkeys(value.variables))
        written.update(dict.fromkeys(value.written_at))
    return Value(
        data,
        holes=holes,
        variables=tuple(variables)[:_MOST],
        written_at=tuple(written)[:_MOST],
        is_default=any(value.is_default for value in values),
    )


def plain_value(value: Value) -> Value:
    """Return a value without the syntax trees that hang on it, so that a profile does not keep them in memory."""
    return _plain_value(value, {}, 0)


def plain(data: Any) -> Any:
    """Return data as :func:`plain_value` does."""
    return _plain(data, {}, 0)


def _plain_value(value: Value, memo: dict[int, Any], depth: int) -> Value:
    data = _plain(value.data, memo, depth)
    if data is value.data:
        return value
    return Value(data, value.holes, value.variables, value.written_at, value.is_default)


def _plain(data: Any, memo: dict[int, Any], depth: int) -> Any:
    if not isinstance(data, (Ref, Call, dict, list, tuple)):
        return data
    # What stands in two places is made plain once: a dict may hold another one twice, and that one a third.
    if id(data) in memo:
        return memo[id(data)]
    result = _made_plain(data, memo, depth + 1) if depth < _DEEPEST else Unknown("nested too deeply for this reader")
    memo[id(data)] = result
    return result


def _made_plain(data: Any, memo: dict[int, Any], depth: int) -> Any:
    match data:
        case Ref():
            return data if type(data) is Ref else Ref(data.name)
        case Call():
            args = tuple(_plain(one, memo, depth) for one in data.args)
            return Call(data.name, args, {key: _plain(one, memo, depth) for key, one in data.kwargs.items()})
        case PlacedDict():
            result = PlacedDict()
            for key, value, place, conditional in data.placed():
                result.put(key, _plain_value(value, memo, depth), place, is_conditional=conditional)
            result.unknown.extend(data.unknown)
            return result
        case dict():
            return {key: _plain(value, memo, depth) for key, value in data.items()}
        case list():
            return [_plain(value, memo, depth) for value in data]
        case _:
            return tuple(_plain(value, memo, depth) for value in data)


def element(data: Any, base: Value) -> Value:
    """Return a part of a value as a value, with those of its holes that are in it."""
    holes = tuple(hole for hole in base.holes if isinstance(data, str) and f"{{{hole}}}" in data)
    return made_of(data, base, holes=holes)


def with_holes(value: Value, holes: tuple[str, ...]) -> Value:
    """Return a list or tuple with the holes of its texts: it counts as known only if they are."""
    return Value(value.data, holes, value.variables, value.written_at, value.is_default)


def is_hashable(data: Any) -> bool:
    """Whether data can be a key."""
    try:
        hash(data)
    except TypeError:
        return False
    return True
