"""Members: what a class of the project, or an instance of one, has under a name."""

import ast
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from rootcellar.specialist.discover.configuration.evaluation.frames import parameters
from rootcellar.specialist.discover.configuration.evaluation.pydantic_settings import (
    field_value,
    is_settings_class,
    made_by_validator,
)
from rootcellar.specialist.discover.configuration.evaluation.texts import unknown
from rootcellar.specialist.discover.configuration.placed import Bound, Definition, Instance, Made, made_of
from rootcellar.specialist.profile import Call, Ref, Unknown, Value

if TYPE_CHECKING:
    from rootcellar.specialist.discover.configuration.evaluate import Evaluator
    from rootcellar.specialist.discover.configuration.evaluation.scope import Scope

_PROPERTIES = frozenset(
    {
        "property", "cached_property", "computed_field", "hybrid_property", "classproperty", "lazy_property",
        "functools.cached_property",
    }
)  # fmt: skip
_MOST_BASES = 30
#: Methods that fill an instance when it is made.
_MAKERS = ("__init__", "__post_init__", "model_post_init", "__attrs_post_init__")
_FIELDS = frozenset({"dataclasses.field", "attr.ib", "attr.attrib", "attrs.field", "attr.field"})


def bases(evaluator: "Evaluator", definition: Definition) -> Iterator[Definition | Ref]:
    """Yield a class and those it inherits from, in the order in which they are asked; outside ones by name."""
    seen: set[str] = set()
    open_: list[Definition | Ref] = [definition]
    while open_ and len(seen) < _MOST_BASES:
        one = open_.pop(0)
        if one.name in seen:
            continue
        seen.add(one.name)
        yield one
        if isinstance(one, Definition) and isinstance(one.node, ast.ClassDef) and one.scope is not None:
            node = one.node
            here = one.scope.at((node.lineno, node.col_offset))
            for base in node.bases:
                value = evaluator.evaluate(base, here)
                if isinstance(value.data, Ref):
                    open_.append(value.data)


def class_scope(evaluator: "Evaluator", definition: Definition) -> "Scope | None":
    """Return the scope of a class's body."""
    from rootcellar.specialist.discover.configuration.evaluation.scope import Scope

    if definition.scope is None or not isinstance(definition.node, ast.ClassDef):
        return None
    module = definition.scope.module
    return Scope(module, evaluator.frame(module, definition.node), outer=definition.scope)


def class_member(evaluator: "Evaluator", base: Value, name: str, scope: "Scope") -> Value:
    """Return ``Class.name``."""
    assert isinstance(base.data, Definition)
    if name in ("__name__", "__qualname__"):
        return Value(base.data.name.rpartition(".")[2])
    if name == "__mro__":
        return unknown("the order of bases")
    for one in bases(evaluator, base.data):
        if isinstance(one, Definition):
            inside = class_scope(evaluator, one)
            found = evaluator.find(name, inside) if inside is not None and name in inside.frame.bindings else None
            if found is not None:
                if _is_enum(evaluator, base.data):
                    return made_of(Call("enum.member", (found.data,)), found)
                return _unwrapped(evaluator, found, base, inside or scope)
    if _is_enum(evaluator, base.data) and name.startswith("["):
        return class_member(evaluator, base, name.strip("[]"), scope)
    outside = [one.name for one in bases(evaluator, base.data) if not isinstance(one, Definition)]
    if outside and outside != ["builtins.object"] and not name.startswith("["):
        return Value(Ref(f"{base.data.name}.{name}"))
    return unknown(f"{base.data.name} has no {name}")


def _is_enum(evaluator: "Evaluator", definition: Definition) -> bool:
    return any(one.name.startswith("enum.") for one in bases(evaluator, definition))


def _unwrapped(evaluator: "Evaluator", found: Value, owner: Value, scope: "Scope") -> Value:
    """Bind a function that a class has; take the default out of a dataclass's ``field()``."""
    data = found.data
    if isinstance(data, Definition) and isinstance(data.node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        names = _decorators(data.node)
        if "staticmethod" in names:
            return found
        if isinstance(owner.data, Definition) and not names & {"classmethod"}:
            return found
        if names & _PROPERTIES:
            return evaluator_follow(evaluator, data, owner)
        return Value(Bound(data.name, definition=data, owner=owner))
    if isinstance(data, Call) and data.name in _FIELDS:
        return field_default(evaluator, data, found, scope)
    return found


def field_default(evaluator: "Evaluator", data: Call, found: Value, scope: "Scope") -> Value:
    """Return the default of ``field(default=…)`` or ``field(default_factory=…)``."""
    if isinstance(data, Made) and "default" in data.values:
        return data.values["default"]
    factory = data.kwargs.get("default_factory", data.kwargs.get("factory"))
    if factory is None:
        return unknown("a field without a default")
    return call_of(evaluator, factory, found, scope)


def call_of(evaluator: "Evaluator", function: object, found: Value, scope: "Scope") -> Value:
    """Call a function or class without arguments."""
    from rootcellar.specialist.discover.configuration.evaluation.arguments import Arguments
    from rootcellar.specialist.discover.configuration.evaluation.called import called

    node = ast.Call(func=ast.Name("factory", ctx=ast.Load()), args=[], keywords=[], lineno=0, col_offset=0)
    value = called(evaluator, Value(function), Arguments(node), scope)
    return made_of(value.data, value, found, holes=value.holes)


def _decorators(node: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    names: set[str] = set()
    for decorator in node.decorator_list:
        inner = decorator.func if isinstance(decorator, ast.Call) else decorator
        if isinstance(inner, ast.Attribute):
            names.add(inner.attr)
        elif isinstance(inner, ast.Name):
            names.add(inner.id)
    return names


def evaluator_follow(evaluator: "Evaluator", definition: Definition, owner: Value) -> Value:
    """Return what a method without arguments returns."""
    from rootcellar.specialist.discover.configuration.evaluation.follow import follow

    return follow(evaluator, definition, None, owner)


def instance_member(evaluator: "Evaluator", base: Value, name: str, scope: "Scope") -> Value:
    """Return ``instance.name``: what it was given, what makes it sets, what its class has."""
    data = base.data
    assert isinstance(data, Instance)
    classes = list(bases(evaluator, data.definition))
    is_settings = is_settings_class(one.name for one in classes)
    if name == "__class__":
        return Value(data.definition)
    if name.startswith("["):
        name = name.strip("[]")
    if name in data.values:
        return data.values[name]
    position = _position_of(evaluator, classes, name)
    if position is not None and position in data.values:
        return data.values[position]
    for one in classes:
        inside = class_scope(evaluator, one) if isinstance(one, Definition) else None
        if inside is None:
            continue
        made = _made(evaluator, inside, name, base)
        if made is not None:
            return made
        if name not in inside.frame.bindings:
            continue
        if is_settings and (field := field_value(evaluator, name, inside, classes)) is not None:
            return made_by_validator(evaluator, name, field, inside, base)
        found = evaluator.find(name, inside)
        if found is not None:
            return _unwrapped(evaluator, found, base, inside)
    why = f"{data.definition.name} has no {name} that this reader finds"
    if is_settings and not any(_declares(evaluator, one, name) for one in classes):
        return unknown(why)
    return unknown(f"{name} is given to {data.name} when it is made" if _declared(evaluator, classes, name) else why)


def _declares(evaluator: "Evaluator", one: Definition | Ref, name: str) -> bool:
    inside = class_scope(evaluator, one) if isinstance(one, Definition) else None
    return inside is not None and name in inside.frame.bindings


def _declared(evaluator: "Evaluator", classes: list[Definition | Ref], name: str) -> bool:
    return any(_declares(evaluator, one, name) for one in classes)


def _position_of(evaluator: "Evaluator", classes: list[Definition | Ref], name: str) -> int | None:
    """Return the position of a field among the constructor's arguments, for a class whose fields are declared."""
    fields: list[str] = []
    for one in reversed(classes):
        inside = class_scope(evaluator, one) if isinstance(one, Definition) else None
        if inside is None:
            continue
        if "__init__" in inside.frame.bindings:
            return None
        for field, bindings in inside.frame.bindings.items():
            if any(binding.annotation or binding.kind == "declare" for binding in bindings) and field not in fields:
                fields.append(field)
    return fields.index(name) if name in fields else None


def _made(evaluator: "Evaluator", inside: "Scope", name: str, base: Value) -> Value | None:
    """Return what ``__init__`` or the like sets ``self.name`` to."""
    for maker in _makers(inside):
        arguments = maker.args.posonlyargs + maker.args.args
        if not arguments:
            continue
        own = arguments[0].arg
        frame = evaluator.frame(inside.module, maker)
        for binding in reversed(frame.bindings.get(own, [])):
            target = binding.target
            if binding.kind != "attribute" or not isinstance(target, ast.Attribute) or target.attr != name:
                continue
            if not isinstance(target.value, ast.Name) or not isinstance(binding.node, (ast.Assign, ast.AnnAssign)):
                continue
            value = binding.node.value
            if value is None:
                continue
            from rootcellar.specialist.discover.configuration.evaluation.scope import Scope

            bound = {own: base, **_bound_in(evaluator, maker, base, inside)}
            return evaluator.evaluate(value, Scope(inside.module, frame, inside, bound, binding.position))
    return None


def _makers(inside: "Scope") -> Iterator[ast.FunctionDef]:
    for name, bindings in inside.frame.bindings.items():
        node = bindings[-1].node
        if isinstance(node, ast.FunctionDef) and (name in _MAKERS or "model_validator" in _decorators(node)):
            yield node


def _bound_in(evaluator: "Evaluator", maker: ast.FunctionDef, base: Value, inside: "Scope") -> Mapping[str, Value]:
    data = base.data
    assert isinstance(data, Instance)
    bound: dict[str, Value] = {}
    for n, (parameter, default) in enumerate(list(parameters(maker))[1:]):
        if parameter.arg in data.values:
            bound[parameter.arg] = data.values[parameter.arg]
        elif n in data.values and maker.name == "__init__":
            bound[parameter.arg] = data.values[n]
        elif default is not None:
            bound[parameter.arg] = evaluator.evaluate(default, inside)
        else:
            bound[parameter.arg] = Value(Unknown(f"{parameter.arg}, which {data.name} is given when it is made"))
    return bound
