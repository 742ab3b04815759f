"""Methods: ``x.m(…)`` on texts, dicts, lists, paths and times."""

import ast
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from rootcellar.specialist.discover.configuration.evaluation.arguments import Arguments, as_mapping
from rootcellar.specialist.discover.configuration.evaluation.texts import (
    MOST,
    derived,
    formatted,
    hole_name,
    joined,
    mapped,
    text_of,
    unknown,
)
from rootcellar.specialist.discover.configuration.placed import Instance, PathText, PlacedDict, made_of
from rootcellar.specialist.profile import Place, Ref, Unknown, Value

if TYPE_CHECKING:
    from rootcellar.specialist.discover.configuration.evaluate import Evaluator
    from rootcellar.specialist.discover.configuration.evaluation.scope import Scope

#: Methods of a text that change each of its letters by itself.
_LETTERS = frozenset({"lower", "upper", "casefold", "swapcase"})
#: Those that need all of it.
_WHOLE = frozenset(
    {
        "split", "rsplit", "splitlines", "partition", "rpartition", "title", "capitalize", "find", "count", "index",
        "isdigit", "isupper", "islower", "zfill", "startswith", "endswith", "encode", "decode", "isidentifier",
    }
)  # fmt: skip
_ENDS = frozenset({"strip", "lstrip", "rstrip", "removeprefix", "removesuffix", "replace"})
_SAME_PATH = frozenset({"resolve", "absolute", "expanduser", "as_posix", "__str__", "__fspath__"})
#: Methods of a pydantic model, an SQLAlchemy URL and the like, that give it as it is.
_SAME = frozenset({"get_secret_value", "unicode_string", "__str__", "render_as_string", "geturl", "human_repr"})
_DUMPS = frozenset({"model_dump", "dict", "_asdict", "to_dict", "as_dict", "asdict"})


def method_call(
    evaluator: "Evaluator", base: Value, name: str, arguments: Arguments, scope: "Scope", node: ast.Call
) -> Value | None:
    """Return what a method comes to; ``None`` if this is no method that this reader knows."""
    data = base.data
    if name in _SAME and not isinstance(data, (Ref, Instance)):
        return base
    match data:
        case PathText():
            return _of_path(base, name, arguments)
        case str() | bytes():
            return _of_text(evaluator, base, name, arguments, scope, node)
        case PlacedDict() | dict():
            return _of_dict(evaluator, base, name, arguments, scope)
        case timedelta() if name == "total_seconds":
            return made_of(data.total_seconds(), base)
        case list() | tuple() if name in ("copy", "index", "count"):
            return base if name == "copy" else unknown("a search in a list")
        case Instance() if name in _DUMPS:
            return dumped(evaluator, base, scope)
        case Instance() if name == "get" and arguments.args:
            # ``values.get("X")`` in a validator, ``config.get("X", default)`` of a class of settings
            found = evaluator.attribute(base, f"[{arguments.text(0)}]", scope, node)
            return found if found.is_known or len(arguments.args) < 2 else None
        case Ref(name="builtins.dict") if name == "fromkeys":
            return unknown("dict.fromkeys()")
    if isinstance(data, Unknown) and name in ("format", "join", "strip", "rstrip", "lower", "encode", "decode"):
        return made_of(data, base)
    return None


def _of_text(
    evaluator: "Evaluator", base: Value, name: str, arguments: Arguments, scope: "Scope", node: ast.Call
) -> Value | None:
    args = arguments.args
    func = node.func
    if name == "format":
        named = [(hole_name(part, value), value) for part, value in zip(node.args, args, strict=False)]
        return formatted(base, named, dict(arguments.kwargs))
    if name == "join" and len(args) == 1:
        return _joined(evaluator, base, args[0], scope, node)
    if any(not value.is_known for value in args) and name != "replace":
        return unknown(f"{name}() with something that is not known", base, *args)
    values = [value.data for value in args]
    if name in _LETTERS:
        return mapped(base, lambda text: getattr(text, name)())
    if name in _ENDS and isinstance(base.data, str):
        if name == "replace" and len(args) >= 2:
            return _replaced(base, args[0], args[1])
        return derived(getattr(base.data, name)(*values), base)
    if name in ("split", "rsplit", "partition", "rpartition", "splitlines"):
        found = getattr(base.data, name)(*values)
        return made_of(found, base, holes=base.holes)
    if name in ("startswith", "endswith") and base.holes:
        start = isinstance(base.data, str) and isinstance(values[0], (str, tuple)) and getattr(base.data, name)(*values)
        return made_of(True, base) if start else unknown("how a text begins that is not known", base)
    if name in _WHOLE:
        if name == "zfill" and not (values and isinstance(values[0], int) and values[0] < MOST):
            return unknown("zfill() to a length that is not known or absurd", base)
        if base.holes and name not in ("encode", "decode"):
            return unknown(f"{name}() of a text that is known in part", base)
        if name in ("encode", "decode"):
            return (
                base
                if base.holes or (isinstance(base.data, str) and not isinstance(func, ast.Attribute))
                else made_of(getattr(base.data, name)(), base)
            )
        return made_of(getattr(base.data, name)(*values), base)
    return unknown(f"{name}() of a text", base)


def _joined(evaluator: "Evaluator", separator: Value, items: Value, scope: "Scope", node: ast.Call) -> Value:
    if not isinstance(items.data, (list, tuple)) or not isinstance(separator.data, str):
        return unknown("joined from parts that are not known", separator, items)
    argument = node.args[0] if node.args else node
    nodes = argument.elts if isinstance(argument, (ast.List, ast.Tuple)) else []
    parts: list[Value] = []
    for n, data in enumerate(items.data):
        holes = tuple(hole for hole in items.holes if isinstance(data, str) and f"{{{hole}}}" in data)
        known = isinstance(data, str) or n >= len(nodes)
        name = "unknown" if known else hole_name(nodes[n], evaluator.evaluate(nodes[n], scope))
        parts.append(text_of(Value(data, holes), name))
    text = joined(parts, separator.data)
    return made_of(text.data, separator, items, holes=text.holes)


def _replaced(base: Value, old: Value, new: Value) -> Value:
    if not isinstance(old.data, str) or not old.is_known:
        return unknown("a replacement of something that is not known", base, old, new)
    replacement = text_of(new, hole_name(ast.Pass(), new))
    if (base.data.count(old.data) + 1) * len(replacement.data) > MOST:
        return unknown("a text of more than 100,000 letters", base)
    text = base.data.replace(old.data, replacement.data)
    return derived(text, base, replacement)


def _of_dict(evaluator: "Evaluator", base: Value, name: str, arguments: Arguments, scope: "Scope") -> Value | None:
    mapping = evaluator.mapping(base)
    if mapping is None:
        return None
    match name:
        case "get" | "pop" | "setdefault":
            return _got(mapping, base, arguments)
        case "copy" | "to_dict" | "dict":
            return made_of(mapping.copied(), base)
        case "items" | "keys" | "values":
            if mapping.unknown:
                return unknown(mapping.unknown[0], base)
            pairs = {
                "items": [(key, value.data) for key, value, _, _ in mapping.placed()],
                "keys": list(mapping),
                "values": [value.data for _, value, _, _ in mapping.placed()],
            }
            holes = tuple(dict.fromkeys(hole for _, value, _, _ in mapping.placed() for hole in value.holes))
            found = made_of(pairs[name], base)
            return Value(found.data, () if name == "keys" else holes, found.variables, found.written_at)
        case "update":
            result = mapping.copied()
            for one in arguments.args[:1]:
                taken = evaluator.mapping(one)
                if taken is not None:
                    result.take(taken, scope.module.place(arguments.node))
            result.take(as_mapping(arguments, scope.module.place(arguments.node)), Place(""))
            return made_of(None, base)
    return unknown(f"{name}() of a dict", base)


def _got(mapping: PlacedDict, base: Value, arguments: Arguments) -> Value:
    key = arguments.args[0] if arguments.args else None
    if key is None or not key.is_known or isinstance(key.data, (list, dict, set)):
        return unknown("looked up by something that is not known", base)
    if key.data in mapping:
        value = mapping.values_of[key.data]
        return Value(value.data, value.holes, value.variables, value.written_at, value.is_default or key.is_default)
    if mapping.unknown:
        return unknown(mapping.unknown[0], base)
    return arguments.args[1] if len(arguments.args) > 1 else arguments.kwargs.get("default", Value(None))


def _of_path(base: Value, name: str, arguments: Arguments) -> Value | None:
    if name in _SAME_PATH:
        return (
            derived(base.data, base)
            if name not in ("as_posix", "__str__")
            else made_of(str(base.data), base, holes=base.holes)
        )
    if name in ("joinpath", "with_name", "with_suffix") and arguments.args:
        parts = [value.data for value in arguments.args]
        if not all(isinstance(part, str) for part in parts):
            return unknown("a path with parts that are not known", base)
        if name == "joinpath":
            return derived("/".join([base.data.rstrip("/"), *parts]), base, *arguments.args)
        stem = base.data.rpartition("/")[0]
        tail = parts[0] if name == "with_name" else base.data.rpartition("/")[2].rpartition(".")[0] + parts[0]
        return derived(f"{stem}/{tail}", base)
    if name in ("read_text", "read_bytes", "open"):
        return unknown(f"read from {file_name(base)} at run time")
    return unknown(f"{name}() of a path", base)


def file_name(path: Value) -> str:
    """Return what a message calls a file whose path is this value."""
    text = path.data if isinstance(path.data, str) else "a file"
    return text.removeprefix("{PROJECT}/") if text and "://" not in text and len(text) < 200 else "a file"


def dumped(evaluator: "Evaluator", base: Value, scope: "Scope") -> Value:
    """Return an instance of the project's class as the dict of its fields."""
    from rootcellar.specialist.discover.configuration.evaluation.members import bases, class_scope
    from rootcellar.specialist.discover.configuration.placed import Definition

    data = base.data
    assert isinstance(data, Instance)
    result = PlacedDict()
    for one in reversed(list(bases(evaluator, data.definition))):
        inside = class_scope(evaluator, one) if isinstance(one, Definition) else None
        if inside is None:
            continue
        for name, bindings in inside.frame.bindings.items():
            binding = bindings[-1]
            if (
                (binding.annotation or binding.kind == "declare")
                and not name.startswith("_")
                and name != "model_config"
            ):
                value: Any = evaluator.attribute(base, name, scope, ast.Pass())
                result.put(name, value, inside.module.place(binding.target or binding.node))
    return made_of(result, base)
