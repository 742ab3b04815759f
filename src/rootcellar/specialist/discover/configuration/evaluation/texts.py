"""Texts: putting them together from parts of which some are not known.

An unknown part stands as ``{NAME}``, and the value's ``holes`` list the names: so a brace that the text itself holds is
none.
"""

import ast
import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from rootcellar.specialist.discover.configuration.placed import PROJECT, PathText, made_of
from rootcellar.specialist.profile import Call, Ref, Unknown, Value

#: Characters of a text, or entries of a list, above which it is not put together.
MOST = 100_000
_NOT_NAME = re.compile(r"\W+")


def unknown(why: str, *values: Value) -> Value:
    """Return a value that is not known, made of others."""
    return made_of(Unknown(why), *values)


def unknown_of(*values: Value, why: str = "") -> Value:
    """Return a value that is not known because of those of ``values`` that are not."""
    reasons = (value.data.why for value in values if isinstance(value.data, Unknown))
    return unknown(next(reasons, why or "put together in a way that this reader does not follow"), *values)


def hole_name(node: ast.AST, value: Value) -> str:
    """Return what an unknown part of a text is called: its variable, else the last name in the expression."""
    if value.variables and not value.is_known:
        return _NOT_NAME.sub("_", value.variables[-1])
    while True:
        match node:
            case ast.Name(id=name):
                return name
            case ast.Attribute(attr=name):
                return name
            case ast.Subscript(slice=ast.Constant(value=str() as key)) if key.isidentifier():
                return key
            case ast.Call(func=ast.Attribute(attr="get"), args=[ast.Constant(value=str() as key), *_]) if (
                key.isidentifier()
            ):
                return key
            case ast.Call(func=func):
                node = func
            case ast.Await(value=inner) | ast.Subscript(value=inner):
                node = inner
            case _:
                return "unknown"


def text_of(value: Value, name: str) -> Value:
    """Return what ``str()`` of a value is, as far as that is known; a part called ``name`` otherwise."""
    data = value.data
    match data:
        case str():
            return value
        case bool() | int() | float() | None | timedelta():
            return made_of(str(data), value)
        case bytes() | list() | tuple() | dict() | set():
            return made_of(repr(data)[:MOST], value)
        case Call(name="pathlib.Path"):
            return unknown("a path", value)
        case Ref() | Call() | Unknown():
            return made_of(f"{{{name}}}", value, holes=(name,))
    return made_of(f"{{{name}}}", value, holes=(name,))


def joined(parts: Sequence[Value], separator: str = "") -> Value:
    """Join texts; each must be one (see :func:`text_of`)."""
    if sum(len(part.data) for part in parts) + len(separator) * len(parts) > MOST:
        return unknown("a text of more than 100,000 characters", *parts)
    text = separator.join(part.data for part in parts)
    return made_of(text, *parts, holes=_standing(text, *(part.holes for part in parts)))


def mapped(value: Value, change: Callable[[str], str]) -> Value:
    """Change the known parts of a text, each by itself."""
    if not value.holes:
        return made_of(change(value.data), value)
    marks = re.compile("(" + "|".join(re.escape(f"{{{hole}}}") for hole in value.holes) + ")")
    pieces = [piece if n % 2 else change(piece) for n, piece in enumerate(marks.split(value.data))]
    return made_of("".join(pieces), value, holes=value.holes)


def derived(text: str, value: Value, *others: Value) -> Value:
    """Return a text that was made from one of others, with the holes that are left in it."""
    kept = PathText(text) if isinstance(value.data, PathText) else text
    return made_of(kept, value, *others, holes=_standing(text, value.holes, *(other.holes for other in others)))


def _standing(text: str, *holes: Sequence[str]) -> tuple[str, ...]:
    names = dict.fromkeys(name for some in holes for name in some)
    return tuple(name for name in names if f"{{{name}}}" in text)


class _Room:
    """What may still be put into a text that is made of others: they can be long, and many."""

    def __init__(self) -> None:
        self.left = MOST

    def take(self, text: str) -> str:
        self.left -= len(text)
        return text if self.left >= 0 else ""


def percent(template: Value, argument: Value, names: Sequence[str]) -> Value:
    """Return ``template % argument``; ``names`` are what unknown arguments are called, in their order."""
    if not isinstance(template.data, str):
        return unknown_of(template, argument)
    data = argument.data
    given: list[Any] = list(data) if isinstance(data, tuple) else [data]
    taken = iter(range(len(given)))
    holes: list[str] = []
    room = _Room()

    def fill(match: re.Match[str]) -> str:
        if match[0] == "%%":
            return "%"
        if match["key"] is not None:
            found = data.get(match["key"], Unknown("")) if isinstance(data, dict) else Unknown("")
            name = match["key"]
        else:
            n = next(taken, None)
            found = given[n] if n is not None else Unknown("")
            name = names[n] if n is not None and n < len(names) else "unknown"
        if isinstance(found, (str, int, float, bool, timedelta)):
            if match["type"] in "di" and isinstance(found, (int, float)):
                return room.take(str(int(found)))
            return room.take(str(found))
        holes.append(name)
        return f"{{{name}}}"

    text = _PERCENT.sub(fill, template.data)
    if room.left < 0:
        return unknown("a text of more than 100,000 letters", template)
    return made_of(text, template, argument, holes=_standing(text, template.holes, argument.holes, holes))


_PERCENT = re.compile(r"%(?:\((?P<key>[^)]*)\))?[-+ #0]*\d*(?:\.\d+)?(?P<type>[diouxXeEfFgGcrsa%])")
_FIELD = re.compile(r"\{\{|\}\}|\{(?P<field>[^{}!:]*)(?:![rsa])?(?::[^{}]*)?\}")


def formatted(template: Value, args: Sequence[tuple[str, Value]], kwargs: dict[str, Value]) -> Value:
    """Return ``template.format(...)``; each positional argument comes with what it is called if it is unknown."""
    if not isinstance(template.data, str):
        return unknown_of(template)
    used: list[Value] = []
    holes: list[str] = []
    counter = iter(range(len(args)))
    room = _Room()

    def fill(match: re.Match[str]) -> str:
        if match["field"] is None:
            return match[0][0]
        field = match["field"]
        if field in template.holes:
            return match[0]
        if field == "" or field.isdigit():
            n = int(field) if field else next(counter, len(args))
            name, value = args[n] if n < len(args) else (f"argument {n}", Value(Unknown("")))
        else:
            name, value = field, kwargs.get(field, Value(Unknown("")))
        part = text_of(value, _NOT_NAME.sub("_", name).strip("_") or "unknown")
        used.append(part)
        holes.extend(part.holes)
        return room.take(str(part.data))

    text = _FIELD.sub(fill, template.data)
    if room.left < 0:
        return unknown("a text of more than 100,000 letters", template)
    return made_of(text, template, *used, holes=_standing(text, template.holes, holes))


def in_project(path: str) -> Value:
    """Return the path of a file of the project, as its own code sees it."""
    return Value(PathText(f"{PROJECT}/{path}"), holes=(PROJECT.strip("{}"),))
