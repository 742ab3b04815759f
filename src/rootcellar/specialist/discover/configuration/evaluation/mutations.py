"""Mutations: what is done to a dict, list or text that a name stands for already."""

import ast
from typing import TYPE_CHECKING, Any

from rootcellar.specialist.discover.configuration.evaluation.arithmetic import binary
from rootcellar.specialist.discover.configuration.evaluation.frames import Binding
from rootcellar.specialist.discover.configuration.placed import Instance, Made, PlacedDict, made_of
from rootcellar.specialist.profile import Call, Unknown, Value

if TYPE_CHECKING:
    from rootcellar.specialist.discover.configuration.evaluate import Evaluator
    from rootcellar.specialist.discover.configuration.evaluation.scope import Scope


def mutated(
    evaluator: "Evaluator", value: Value, event: Binding, scope: "Scope", *, is_conditional: bool = False
) -> Value:
    """Return a value as it is after an ``x += …``, ``x[…] = …``, ``x.a = …`` or ``x.update(…)``."""
    here = scope.at(event.position)
    node = event.node
    match node:
        case ast.AugAssign(target=ast.Name(), op=op, value=operand):
            return binary(value, op, evaluator.evaluate(operand, here), scope.module.place(node))
        case ast.Assign(value=new) if isinstance(event.target, (ast.Subscript, ast.Attribute)):
            return _set(evaluator, value, event.target, new, here, is_conditional=is_conditional)
        case ast.AnnAssign(value=ast.expr() as new) if isinstance(event.target, (ast.Subscript, ast.Attribute)):
            return _set(evaluator, value, event.target, new, here, is_conditional=is_conditional)
        case ast.Call(func=ast.Attribute(value=ast.Name(), attr=method)):
            return _called(evaluator, value, method, node, here, is_conditional=is_conditional)
        case ast.Call(func=ast.Attribute(value=target, attr=method)):
            return _called_inside(evaluator, value, target, method, node, here)
    return value


def _steps(evaluator: "Evaluator", target: ast.expr, scope: "Scope") -> list[Any]:
    """Return the keys and attributes between the name and the target: ``x["a"].b`` → ``["a", "b"]``."""
    steps: list[Any] = []
    node = target
    while isinstance(node, (ast.Subscript, ast.Attribute)):
        if isinstance(node, ast.Attribute):
            steps.append(node.attr)
        else:
            key = evaluator.evaluate(node.slice, scope)
            steps.append(key.data if key.is_known else Unknown(key.why))
        node = node.value
    return steps[::-1]


def _set(
    evaluator: "Evaluator", value: Value, target: ast.expr, new: ast.expr, scope: "Scope", *, is_conditional: bool
) -> Value:
    steps = _steps(evaluator, target, scope)
    return _stored(value, steps, evaluator.evaluate(new, scope), scope, target, is_conditional=is_conditional)


def _stored(
    value: Value, steps: list[Any], new: Value, scope: "Scope", target: ast.AST, *, is_conditional: bool
) -> Value:
    key = steps[0] if steps else Unknown("")
    place = scope.module.place(target)
    data = value.data
    if isinstance(data, Call) and not isinstance(data, Instance) and isinstance(key, str):
        # ``SimpleNamespace()`` and the like, filled afterwards
        changed = new if len(steps) == 1 else made_of(Unknown("set in part"), new)
        values = dict(data.values) if isinstance(data, Made) else {}
        values[key] = changed
        return made_of(Made(data.name, data.args, {**data.kwargs, key: changed.data}, values), value, new)
    if not isinstance(data, PlacedDict):
        return value
    result = data.copied()
    try:
        hash(key)
    except TypeError:
        key = Unknown("")
    if isinstance(key, Unknown):
        result.unknown.append(key.why or "a key that is not known")
    elif len(steps) == 1:
        result.put(key, new, place, is_conditional=is_conditional)
    elif key in result:
        inner = _stored(result.values_of[key], steps[1:], new, scope, target, is_conditional=is_conditional)
        result.put(key, inner, result.places[key], is_conditional=key in result.conditional)
    return made_of(result, value, new)


def _called_inside(
    evaluator: "Evaluator", value: Value, target: ast.expr, method: str, node: ast.Call, scope: "Scope"
) -> Value:
    """``x["a"].update(…)``."""
    steps = _steps(evaluator, target, scope)
    if len(steps) != 1 or not isinstance(value.data, PlacedDict) or isinstance(steps[0], (Unknown, dict, list)):
        return value
    key = steps[0]
    if key not in value.data:
        return value
    result = value.data.copied()
    inner = _called(evaluator, result.values_of[key], method, node, scope, is_conditional=False)
    result.put(key, inner, result.places[key], is_conditional=key in result.conditional)
    return made_of(result, value, inner)


def _called(
    evaluator: "Evaluator", value: Value, method: str, node: ast.Call, scope: "Scope", *, is_conditional: bool
) -> Value:
    data = value.data
    place = scope.module.place(node)
    if isinstance(data, PlacedDict):
        return _called_dict(evaluator, value, data.copied(), method, node, scope, is_conditional=is_conditional)
    if isinstance(data, list):
        args = [evaluator.evaluate(one, scope) for one in node.args if not isinstance(one, ast.Starred)]
        match method, args:
            case "append", [one]:
                return made_of([*data, one.data], value, one, at=place)
            case "insert", [_, one]:
                return made_of([one.data, *data], value, one, at=place)
            case "extend", [one] if isinstance(one.data, (list, tuple)):
                return made_of([*data, *one.data], value, one)
            case "extend", [one]:
                return made_of([*data, Unknown(one.why)], value, one)
            case "remove", [one]:
                return made_of([other for other in data if other != one.data], value)
            case "clear", []:
                return made_of([], value)
    if isinstance(data, set) and method in ("add", "update"):
        return made_of(Unknown("a set that grows"), value)
    return value


def _called_dict(
    evaluator: "Evaluator",
    value: Value,
    result: PlacedDict,
    method: str,
    node: ast.Call,
    scope: "Scope",
    *,
    is_conditional: bool,
) -> Value:
    from rootcellar.specialist.discover.configuration.evaluation.arguments import arguments_of, as_mapping

    arguments = arguments_of(evaluator, node, scope)
    here = scope.module.place(node)
    key = arguments.args[0] if arguments.args else None
    match method:
        case "update":
            for one in arguments.args[:1]:
                taken = evaluator.mapping(one)
                if taken is None:
                    result.unknown.append(one.why or "updated with something that is no dict")
                else:
                    result.take(taken, here, is_conditional=is_conditional)
            result.take(as_mapping(arguments, here), here, is_conditional=is_conditional)
        case "setdefault" if key is not None and isinstance(key.data, (str, int)) and len(arguments.args) > 1:
            if key.data not in result:
                result.put(key.data, arguments.args[1], here, is_conditional=is_conditional)
        case "pop" if key is not None and isinstance(key.data, (str, int)) and not is_conditional:
            result.drop(key.data)
        case "clear":
            return made_of(PlacedDict(), value)
    return made_of(result, value, *arguments.args[:1])
