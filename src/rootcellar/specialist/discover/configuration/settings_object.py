"""The settings object: what a module, class, instance or dict that configures an app has in it, name by name."""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rootcellar.specialist.discover.configuration.evaluation.bindings import certainty, value_of_binding
from rootcellar.specialist.discover.configuration.evaluation.frames import Binding
from rootcellar.specialist.discover.configuration.evaluation.members import bases, class_scope
from rootcellar.specialist.discover.configuration.evaluation.methods import dumped
from rootcellar.specialist.discover.configuration.evaluation.scope import Scope
from rootcellar.specialist.discover.configuration.placed import Definition, Instance, PlacedDict, made_of
from rootcellar.specialist.discover.configuration.settings_files import included
from rootcellar.specialist.profile import Call, Place, Ref, Unknown, Value

if TYPE_CHECKING:
    from rootcellar.specialist.discover.configuration.evaluate import Evaluator
    from rootcellar.specialist.discover.modules import Module

_VALUES = frozenset({"assign", "unpack", "with", "import"})
_MUTATIONS = frozenset({"item", "attribute", "method", "augment"})
_DEEPEST = 8
Wanted = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Member:
    """One name of a settings object. ``is_helper``: the object's own code reads it too."""

    name: str
    value: Value
    place: Place
    is_conditional: bool = False
    is_helper: bool = False


def members_of(evaluator: "Evaluator", value: Value, scope: Scope) -> Value:
    """Return the members of a module or class as the dict that ``vars()`` gives."""
    result = PlacedDict()
    for member in members(evaluator, value, scope, lambda name: not name.startswith("__")):
        result.put(member.name, member.value, member.place, is_conditional=member.is_conditional)
    return made_of(result, value)


def members(evaluator: "Evaluator", value: Value, scope: Scope, wanted: Wanted) -> list[Member]:
    """Return what a settings object has under the names that are wanted, in the order in which it is set."""
    data = value.data
    match data:
        case PlacedDict() | dict():
            mapping = evaluator.mapping(value)
            assert mapping is not None
            return [
                Member(key, one, place, conditional)
                for key, one, place, conditional in mapping.placed()
                if isinstance(key, str) and wanted(key)
            ]
        case Instance():
            return _of_instance(evaluator, value, scope, wanted)
        case Definition(node=ast.ClassDef()):
            return _of_class(evaluator, data, wanted)
        case Call():
            place = value.written_at[0] if value.written_at else scope.module.place(scope.module.tree)
            return [Member(name, Value(one), place) for name, one in data.kwargs.items() if wanted(name)]
        case Ref():
            module = evaluator.modules.named(data.name, near=scope.module.path)
            return module_members(evaluator, module, wanted) if module is not None else []
    return []


def module_members(evaluator: "Evaluator", module: "Module", wanted: Wanted, depth: int = 0) -> list[Member]:
    """Return what a module sets under the names that are wanted; what ``import *`` brings it included."""
    scope = evaluator.module_scope(module)
    used = _read_names(module.tree)
    found: list[tuple[tuple[int, int], Member, bool]] = []
    for star in scope.frame.stars:
        runs = certainty(evaluator, star.guards, scope)
        other = evaluator.modules.named(star.dotted, near=module.path)
        if runs is False or other is None or depth >= _DEEPEST or other is module:
            continue
        maybe = runs is None or any(guard.kind in ("try", "except") for guard in star.guards)
        for member in module_members(evaluator, other, wanted, depth + 1):
            conditional = member.is_conditional or maybe
            one = Member(member.name, member.value, member.place, conditional, member.is_helper or member.name in used)
            found.append((star.position, one, True))
    for position, other in included(evaluator.modules, module) if depth < _DEEPEST else ():
        found.extend((position, member, True) for member in module_members(evaluator, other, wanted, depth + 1))
    for name in scope.frame.bindings:
        if wanted(name):
            found.extend((position, one, False) for position, one in _bound(evaluator, scope, name, used))
    found.sort(key=lambda one: one[0])
    # What a file takes over from another and then sets itself is not set twice: overriding is what bases are for.
    last = {one.name: position for position, one, _ in found if not one.is_conditional}
    return [one for position, one, starred in found if not (starred and last.get(one.name, (0, 0)) > position)]


def _bound(evaluator: "Evaluator", scope: Scope, name: str, used: set[str]) -> Iterator[tuple[tuple[int, int], Member]]:
    """Yield each place of a frame that sets a name."""
    bindings = scope.frame.bindings[name]
    setting = [one for one in bindings if one.kind in _VALUES]
    is_tried = any(guard.kind == "except" for one in setting for guard in one.guards)
    for n, binding in enumerate(setting):
        runs = certainty(evaluator, binding.guards, scope)
        if runs is False:
            continue
        following = setting[n + 1].position if n + 1 < len(setting) else None
        place = scope.module.place(binding.target or binding.node)
        if is_tried:
            value = evaluator.find(name, scope)
            if value is None or (value.is_default and n + 1 < len(setting)):
                continue
            yield binding.position, Member(name, value, place, is_helper=name in used)
            return
        value = value_of_binding(evaluator, binding, scope)
        if _is_changed(bindings, binding, following):
            changed = evaluator.find(name, scope.at(following)) if runs else None
            value = changed if changed is not None else value
        yield binding.position, Member(name, value, place, runs is None, name in used)
    if not setting and any(one.kind in _MUTATIONS for one in bindings) and scope.frame.stars:
        value = evaluator.find(name, scope)
        if value is not None:
            last = bindings[-1]
            yield last.position, Member(name, value, scope.module.place(last.target or last.node), False, name in used)


def _is_changed(bindings: list[Binding], binding: Binding, following: tuple[int, int] | None) -> bool:
    return any(
        one.kind in _MUTATIONS and one.position > binding.position and (following is None or one.position < following)
        for one in bindings
    )


def _read_names(tree: ast.AST) -> set[str]:
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}


def _of_class(evaluator: "Evaluator", definition: Definition, wanted: Wanted) -> list[Member]:
    found: dict[str, list[Member]] = {}
    for one in reversed(list(bases(evaluator, definition))):
        inside = class_scope(evaluator, one) if isinstance(one, Definition) else None
        if inside is None:
            continue
        used = _read_names(inside.frame.body)
        for name in inside.frame.bindings:
            if wanted(name):
                own = [member for _, member in _bound(evaluator, inside, name, used)]
                if own:
                    found[name] = own
    return [member for some in found.values() for member in some]


def _of_instance(evaluator: "Evaluator", value: Value, scope: Scope, wanted: Wanted) -> list[Member]:
    data = value.data
    assert isinstance(data, Instance)
    found = {member.name: member for member in _of_class(evaluator, data.definition, wanted)}
    fields = dumped(evaluator, value, scope).data
    assert isinstance(fields, PlacedDict)
    for key, one, place, _ in fields.placed():
        if wanted(key):
            found[key] = Member(key, one, place)
    for base in bases(evaluator, data.definition):
        inside = class_scope(evaluator, base) if isinstance(base, Definition) else None
        for name, bindings in inside.frame.bindings.items() if inside is not None else ():
            node = bindings[-1].node
            if wanted(name) and name not in found and isinstance(node, ast.FunctionDef) and node.decorator_list:
                result = evaluator.attribute(value, name, scope, node)
                if not isinstance(result.data, Ref) and inside is not None:
                    found[name] = Member(name, result, inside.module.place(node))
            if name == "__init__" and isinstance(node, ast.FunctionDef) and inside is not None:
                for attribute, place in _set_on_self(node, inside):
                    if wanted(attribute):
                        found[attribute] = Member(attribute, evaluator.attribute(value, attribute, scope, node), place)
    for key, one in data.values.items():
        if isinstance(key, str) and wanted(key) and key not in found:
            found[key] = Member(
                key, one, one.written_at[0] if one.written_at else scope.module.place(scope.module.tree)
            )
    return list(found.values())


def _set_on_self(node: ast.FunctionDef, inside: Scope) -> Iterator[tuple[str, Place]]:
    own = node.args.args[0].arg if node.args.args else ""
    for statement in ast.walk(node):
        for target in statement.targets if isinstance(statement, ast.Assign) else ():
            if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id == own:
                yield target.attr, inside.module.place(target)


def why_not(value: Value) -> str:
    """Return why an object's settings cannot be read; empty if they can."""
    data = value.data
    if isinstance(data, Unknown):
        return data.why
    if isinstance(data, (dict, Definition, Instance)) or (
        isinstance(data, Call) and data.name == "types.SimpleNamespace"
    ):
        return ""
    return "an object that this reader does not follow"
