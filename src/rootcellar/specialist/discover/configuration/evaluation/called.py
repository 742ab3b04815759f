"""Calls: ``f(x)``, for readers of the environment, what the standard library makes of texts, and the project's own."""

import ast
from typing import TYPE_CHECKING

from rootcellar.specialist.discover.configuration.evaluation.arguments import Arguments
from rootcellar.specialist.discover.configuration.evaluation.env_readers import called_method, called_reader
from rootcellar.specialist.discover.configuration.evaluation.follow import follow
from rootcellar.specialist.discover.configuration.evaluation.known_functions import known_call
from rootcellar.specialist.discover.configuration.evaluation.methods import method_call
from rootcellar.specialist.discover.configuration.evaluation.texts import hole_name, text_of, unknown, unknown_of
from rootcellar.specialist.discover.configuration.placed import Bound, Definition, Instance, Made, made_of
from rootcellar.specialist.profile import Call, Ref, Value

if TYPE_CHECKING:
    from rootcellar.specialist.discover.configuration.evaluate import Evaluator
    from rootcellar.specialist.discover.configuration.evaluation.scope import Scope

#: Modules whose functions make plain objects: what they are called with is all there is to know.
_MAKERS = ("celery.", "kombu.", "django_celery_beat.", "redis.", "ssl.", "datetime.", "decimal.", "uuid.", "re.")
#: Functions outside that are known by what is done with what they return.
_READERS = frozenset({"field", "ib", "attrib", "dotenv_values"})


def call(evaluator: "Evaluator", node: ast.Call, scope: "Scope", arguments: Arguments) -> Value:
    """Return what a call comes to."""
    func = node.func
    if isinstance(func, ast.Attribute):
        base = evaluator.evaluate(func.value, scope)
        found = called_method(evaluator, base, func.attr, arguments, scope)
        if found is None:
            found = method_call(evaluator, base, func.attr, arguments, scope, node)
        if found is not None:
            return found
        target = evaluator.attribute(base, func.attr, scope, func)
    else:
        target = evaluator.evaluate(func, scope)
    return called(evaluator, target, arguments, scope)


def called(evaluator: "Evaluator", target: Value, arguments: Arguments, scope: "Scope") -> Value:
    """Return what calling a value comes to."""
    found = called_reader(evaluator, target, arguments, scope)
    if found is not None:
        return found
    data = target.data
    match data:
        case Bound():
            return follow(evaluator, data.definition, arguments, data.owner)
        case Definition(node=ast.ClassDef()):
            return _instance(evaluator, data, arguments, scope)
        case Definition():
            return follow(evaluator, data, arguments)
        case Ref():
            return _outside(evaluator, data.name, arguments, scope)
        case Instance():
            member = evaluator.attribute(target, "__call__", scope, ast.Pass())
            if isinstance(member.data, Bound):
                return follow(evaluator, member.data.definition, arguments, target)
            return unknown(f"what an instance of {data.name} returns when it is called")
        case Call():
            return unknown(f"what an instance of {data.name} returns when it is called")
    return unknown_of(target, why="a call that this reader does not follow")


def _instance(evaluator: "Evaluator", definition: Definition, arguments: Arguments, scope: "Scope") -> Value:
    from rootcellar.specialist.discover.configuration.evaluation.members import bases

    names = [one.name for one in bases(evaluator, definition)]
    if any(name.startswith("enum.") for name in names) and arguments.args:
        return unknown("a member of an enumeration", *arguments.args)
    outside = next((name for name in names if name in ("builtins.str", "builtins.int")), None)
    if outside is not None and len(arguments.args) == 1:
        return arguments.args[0]
    values: dict[str | int, Value] = dict(enumerate(arguments.args))
    values.update(arguments.kwargs.items())
    data = Instance(
        definition.name,
        tuple(value.data for value in arguments.args),
        {key: value.data for key, value in arguments.kwargs.items()},
        definition=definition,
        values=values,
    )
    return made_of(data, *arguments.args, *arguments.kwargs.values(), at=scope.module.place(arguments.node))


def _outside(evaluator: "Evaluator", name: str, arguments: Arguments, scope: "Scope") -> Value:
    found = known_call(evaluator, name, arguments, scope)
    if found is not None:
        return found
    last = name.rpartition(".")[2].strip("_")
    if last[:1].isupper() or last in _READERS or name.startswith(_MAKERS):
        parts = (*arguments.args, *arguments.kwargs.values())
        values: dict[str | int, Value] = dict(enumerate(arguments.args))
        values.update(arguments.kwargs.items())
        data = Made(
            name,
            tuple(value.data for value in arguments.args),
            {key: value.data for key, value in arguments.kwargs.items()},
            values,
        )
        holes = tuple(dict.fromkeys(hole for part in parts for hole in part.holes))
        at = scope.module.place(arguments.node) if arguments.node.lineno else None
        return made_of(data, *parts, holes=holes, at=at)
    return unknown(f"returned by a function that this reader does not follow: {name.removeprefix('builtins.')}")


def text_argument(node: ast.Call, n: int, value: Value) -> Value:
    """Return a positional argument as a text; an unknown one is called by its name."""
    part = node.args[n] if n < len(node.args) else node
    return text_of(value, hole_name(part, value))
